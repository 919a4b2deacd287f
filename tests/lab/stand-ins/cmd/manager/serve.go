package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
)

// serve binds the addresses of metrics and probes. "0" and nothing turn one off.
func (manager *manager) serve(ctx context.Context) error {
	metrics := http.NewServeMux()
	metrics.HandleFunc("/metrics", func(writer http.ResponseWriter, _ *http.Request) {
		writer.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		fmt.Fprintf(writer, "# TYPE arc_stand_in_info gauge\narc_stand_in_info{version=%q} 1\n", manager.version)
	})
	probes := http.NewServeMux()
	for _, path := range []string{"/healthz", "/readyz"} {
		probes.HandleFunc(path, func(writer http.ResponseWriter, _ *http.Request) { fmt.Fprint(writer, "ok") })
	}
	for _, one := range []struct {
		flag, name string
		handler    http.Handler
	}{
		{"metrics-addr", "metrics", metrics},
		{"health-probe-bind-address", "health probe", probes},
		{"pprof-addr", "pprof", http.NotFoundHandler()},
	} {
		address := manager.options.String(one.flag)
		if address == "" || address == "0" {
			continue
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("error listening on %s: %w", address, err)
		}
		manager.log.Info("Serving "+one.name+" server", "bindAddress", address)
		server := &http.Server{Handler: one.handler}
		go func() { _ = server.Serve(listener) }()
		go func() {
			<-ctx.Done()
			_ = server.Close()
		}()
	}
	return nil
}
