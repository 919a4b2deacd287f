// read answers which way Go goes: one line, direct or proxy, for each URL on standard input. A line L and hexadecimal
// digits is the list of NO_PROXY for the URLs behind it; a line E takes the environment's variables.
package main

import (
	"bufio"
	"encoding/hex"
	"log"
	"net/http"
	"net/url"
	"os"

	"golang.org/x/net/http/httpproxy"
)

const proxy = "http://127.9.9.9:9"

func main() {
	in, out := bufio.NewScanner(os.Stdin), bufio.NewWriter(os.Stdout)
	var of func(*url.URL) (*url.URL, error)
	for in.Scan() {
		line := in.Text()
		switch line[0] {
		case 'E':
			of = func(to *url.URL) (*url.URL, error) {
				return http.ProxyFromEnvironment(&http.Request{URL: to})
			}
		case 'L':
			list, err := hex.DecodeString(line[1:])
			if err != nil {
				log.Fatal(err)
			}
			config := httpproxy.Config{HTTPProxy: proxy, HTTPSProxy: proxy, NoProxy: string(list)}
			of = config.ProxyFunc()
		default:
			to, err := url.Parse(line[1:])
			if err != nil {
				log.Fatal(err)
			}
			through, err := of(to)
			switch {
			case err != nil:
				out.WriteString(err.Error() + "\n")
			case through == nil:
				out.WriteString("direct\n")
			default:
				out.WriteString("proxy\n")
			}
		}
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}
