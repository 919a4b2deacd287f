package dotnet

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Where OpenSSL looks on Debian and Ubuntu when no variable says otherwise.
const (
	defaultFile   = "/usr/lib/ssl/cert.pem"
	defaultFolder = "/usr/lib/ssl/certs"
	lastFolder    = "/etc/ssl/certs"
)

// Trust is .NET's machine store. Unlike in Go, only what names itself as its issuer is an anchor; every other
// certificate merely helps to build a chain. So an issuing CA without its root is not enough.
//
// Not modelled: fetching a missing issuer from the address in a certificate (AIA).
type Trust struct {
	File          string
	Folders       []string
	Roots         []*x509.Certificate
	Intermediates []*x509.Certificate
}

// LoadTrust reads SSL_CERT_FILE and SSL_CERT_DIR, or OpenSSL's defaults. Every file of a folder is read, whatever its
// name. A colon parts folders from .NET 8 on; before that all of the text is the name of one, and with one that does not exist
// nothing is trusted that is not in the file (dotnet/runtime#91110).
func LoadTrust(environment func(string) string, release Release) *Trust {
	trust := &Trust{File: environment("SSL_CERT_FILE")}
	if trust.File == "" {
		trust.File = defaultFile
	}
	folders := environment("SSL_CERT_DIR")
	isDefault := folders == ""
	if isDefault {
		folders = defaultFolder
	}
	trust.readFile(trust.File)
	list := []string{folders}
	if release.partsFolders() {
		list = strings.Split(folders, ":")
	}
	for _, folder := range list {
		if folder != "" {
			trust.Folders = append(trust.Folders, folder)
			trust.readFolder(folder)
		}
	}
	if isDefault && release.partsFolders() && len(trust.Roots)+len(trust.Intermediates) == 0 {
		trust.Folders = []string{lastFolder}
		trust.readFolder(lastFolder)
	}
	return trust
}

func (trust *Trust) readFolder(folder string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, entry := range entries {
		trust.readFile(filepath.Join(folder, entry.Name()))
	}
}

// readFile takes what it can read; a file that is none is passed over in silence, as by .NET.
func (trust *Trust) readFile(path string) {
	status, err := os.Stat(path)
	if err != nil || !status.Mode().IsRegular() {
		return
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return
	}
	if certificate, err := x509.ParseCertificate(content); err == nil {
		trust.add(certificate)
		return
	}
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil {
			trust.add(certificate)
		}
	}
}

func (trust *Trust) add(certificate *x509.Certificate) {
	list := &trust.Intermediates
	if isSelfIssued(certificate) {
		list = &trust.Roots
	}
	for _, known := range *list {
		if known.Equal(certificate) {
			return
		}
	}
	*list = append(*list, certificate)
}

func isSelfIssued(certificate *x509.Certificate) bool {
	return bytes.Equal(certificate.RawSubject, certificate.RawIssuer)
}

// TLS is a client's configuration with this trust.
func (trust *Trust) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// Not unchecked: VerifyConnection checks, by .NET's rules instead of Go's.
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			return trust.Verify(state.PeerCertificates, state.ServerName)
		},
	}
}

// Verify says what .NET says about a server's certificates.
func (trust *Trust) Verify(presented []*x509.Certificate, host string) error {
	if len(presented) == 0 {
		return errors.New("the remote certificate was not provided")
	}
	roots, others := x509.NewCertPool(), x509.NewCertPool()
	for _, root := range trust.Roots {
		roots.AddCert(root)
	}
	for _, other := range append(presented[1:len(presented):len(presented)], trust.Intermediates...) {
		others.AddCert(other)
	}
	_, err := presented[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: others, DNSName: host})
	var unknown x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongName):
		return errors.New("the remote certificate is invalid according to the validation procedure: RemoteCertificateNameMismatch")
	case errors.As(err, &unknown):
		return fmt.Errorf("the remote certificate is invalid because of errors in the certificate chain: %s", trust.defect(presented))
	}
	return fmt.Errorf("the remote certificate is invalid because of errors in the certificate chain: %w", err)
}

// defect is PartialChain where no root was found, and UntrustedRoot where one was that is no anchor.
func (trust *Trust) defect(presented []*x509.Certificate) string {
	for _, certificate := range presented {
		if isSelfIssued(certificate) {
			return "UntrustedRoot"
		}
	}
	return "PartialChain"
}
