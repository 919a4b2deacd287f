// Answers which way the toolkit's client goes; main.go says how it is asked. The argument is where its package lies.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { getProxyUrl } = await import(pathToFileURL(`${process.argv[2]}/@actions/http-client/lib/proxy.js`));
const answers = [];
for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith("L")) {
    process.env.http_proxy = process.env.https_proxy = "http://127.9.9.9:9";
    process.env.no_proxy = Buffer.from(line.slice(1), "hex").toString();
  } else if (line.startsWith("U")) {
    answers.push(getProxyUrl(new URL(line.slice(1))) === undefined ? "direct\n" : "proxy\n");
  }
}
process.stdout.write(answers.join(""));
