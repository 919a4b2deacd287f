// Package webhook serves the admission webhooks of the legacy manager.
package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"

	"arc-setup/tests/lab/stand-ins/internal/logging"
)

// Server answers at fixed paths over TLS.
type Server struct {
	certificate *certificate
	mux         *http.ServeMux
	log         logging.Logger
}

// New reads the certificate of a directory: without one there is no manager.
func New(directory string, log logging.Logger) (*Server, error) {
	certificate, err := load(directory)
	if err != nil {
		return nil, err
	}
	return &Server{certificate, http.NewServeMux(), log}, nil
}

// Handle answers the reviews that are sent to a path.
func (server *Server) Handle(path string, dialect Dialect, decide Decide) {
	server.log.Info("registering webhook", "path", path)
	server.mux.Handle(path, reviewer{dialect, decide, server.log})
}

// Run serves on a port of all addresses until the context ends.
func (server *Server) Run(ctx context.Context, port int) error {
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return err
	}
	server.log.Info("serving webhook server", "host", "", "port", port)
	return server.serve(ctx, listener)
}

func (server *Server) serve(ctx context.Context, listener net.Listener) error {
	config := &tls.Config{GetCertificate: server.certificate.current, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}}
	plain := &http.Server{Handler: server.mux, TLSConfig: config}
	go func() {
		<-ctx.Done()
		_ = plain.Close()
	}()
	if err := plain.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
