package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"

	"k8s.io/client-go/util/cert"
	"k8s.io/klog/v2"
)

// serve listens until the context ends.
func serve(ctx context.Context, settings *settings, reviewer reviewer) error {
	upstream, err := url.Parse(settings.upstream)
	if err != nil {
		return fmt.Errorf("failed to parse upstream URL: %w", err)
	}
	handler := guard(settings, reviewer, httputil.NewSingleHostReverseProxy(upstream))
	ended := make(chan error, 2)
	if address := settings.secureListenAddress; address != "" {
		config, err := tlsConfig(settings)
		if err != nil {
			return err
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("failed to listen on secure address: %w", err)
		}
		klog.Infof("Listening securely on %v", address)
		server := &http.Server{Handler: handler, TLSConfig: config}
		go func() { ended <- server.ServeTLS(listener, "", "") }()
	}
	if address := settings.insecureListenAddress; address != "" {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("failed to listen on insecure address: %w", err)
		}
		klog.Infof("Listening insecurely on %v", address)
		server := &http.Server{Handler: handler}
		go func() { ended <- server.Serve(listener) }()
	}
	select {
	case <-ctx.Done():
		klog.Info("received interrupt, shutting down")
		return nil
	case err := <-ended:
		return err
	}
}

// tlsConfig is what was given, or a certificate of its own making.
func tlsConfig(settings *settings) (*tls.Config, error) {
	if settings.certFile != "" || settings.keyFile != "" {
		pair, err := tls.LoadX509KeyPair(settings.certFile, settings.keyFile)
		if err != nil {
			return nil, fmt.Errorf("failed to load certificate and key: %w", err)
		}
		return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
	}
	klog.Info("Generating self signed cert as no cert is provided")
	host, _, err := net.SplitHostPort(settings.secureListenAddress)
	if err != nil {
		return nil, errors.New("failed to retrieve hostname for self-signed cert")
	}
	certificate, key, err := cert.GenerateSelfSignedCertKey(host, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("failed to generate self signed cert and key: %w", err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("failed to load generated self signed cert and key: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// guard asks before it hands a request on.
func guard(settings *settings, reviewer reviewer, next http.Handler) http.Handler {
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if len(settings.allowPaths) > 0 && !matches(settings.allowPaths, request.URL.Path) {
			http.NotFound(response, request)
			return
		}
		if !matches(settings.ignorePaths, request.URL.Path) {
			if refusal := reviewer.review(request, settings.audiences); refusal != nil {
				http.Error(response, refusal.text, refusal.status)
				return
			}
		}
		next.ServeHTTP(response, request)
	})
}

func matches(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if found, err := path.Match(pattern, name); err == nil && found {
			return true
		}
	}
	return false
}
