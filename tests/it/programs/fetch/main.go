// Command fetch asks servers over TLS, one for each line of its input: a bundle and a URL.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		bundle, url, _ := strings.Cut(lines.Text(), "\t")
		pem, err := os.ReadFile(bundle)
		if err != nil {
			panic(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}
		client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
		if answer, err := client.Get(url); err == nil {
			answer.Body.Close()
		} else {
			os.Stderr.WriteString(url + " " + err.Error() + "\n")
		}
	}
}
