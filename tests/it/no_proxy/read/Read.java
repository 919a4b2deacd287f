import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** Answers which way Java goes; main.go says how it is asked. */
class Read {
    public static void main(String[] arguments) throws Exception {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (var line = in.readLine(); line != null; line = in.readLine()) {
            if (line.startsWith("E")) {
                continue;
            }
            if (line.startsWith("L")) {
                var list = new String(HexFormat.of().parseHex(line.substring(1)), StandardCharsets.UTF_8);
                for (var scheme : new String[] {"http", "https"}) {
                    System.setProperty(scheme + ".proxyHost", "127.9.9.9");
                    System.setProperty(scheme + ".proxyPort", "9");
                }
                System.setProperty("http.nonProxyHosts", list);
                continue;
            }
            var chosen = ProxySelector.getDefault().select(URI.create(line.substring(1)));
            out.print(chosen.get(0).equals(Proxy.NO_PROXY) ? "direct\n" : "proxy\n");
        }
        out.flush();
    }
}
