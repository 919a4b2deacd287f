package dotnet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"arc-setup/tests/lab/stand-ins/internal/release"
)

var (
	today   = Release{release.Of(2, 335, 1)}
	dotnet6 = Release{release.Of(2, 320, 0)}
)

type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// issue makes a certificate; without an issuer it issues itself.
func issue(t *testing.T, name string, issuer *authority) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: true,
	}
	parent := &authority{template, key}
	if issuer != nil {
		parent = issuer
	}
	content, err := x509.CreateCertificate(rand.Reader, template, parent.certificate, &key.PublicKey, parent.key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(content)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{certificate, key}
}

// folder holds each of the authorities in a file of its own.
func folder(t *testing.T, authorities ...*authority) string {
	t.Helper()
	path := t.TempDir()
	for _, each := range authorities {
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: each.certificate.Raw})
		if err := os.WriteFile(filepath.Join(path, each.certificate.Subject.CommonName+".any"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func verify(t *testing.T, version Release, folders string, presented ...*authority) string {
	t.Helper()
	variables := map[string]string{"SSL_CERT_DIR": folders, "SSL_CERT_FILE": "/nowhere"}
	trust := LoadTrust(func(name string) string { return variables[name] }, version)
	var certificates []*x509.Certificate
	for _, each := range presented {
		certificates = append(certificates, each.certificate)
	}
	if err := trust.Verify(certificates, "github.corp"); err != nil {
		return err.Error()
	}
	return "trusted"
}

func TestAChainNeedsItsRoot(t *testing.T) {
	root := issue(t, "root", nil)
	issuing := issue(t, "issuing", root)
	leaf := issue(t, "github.corp", issuing)
	for _, each := range []struct {
		what    string
		folders string
		chain   []*authority
		want    string
	}{
		{"both", folder(t, root, issuing), []*authority{leaf}, "trusted"},
		{"both, in two folders", folder(t, root) + ":" + folder(t, issuing), []*authority{leaf}, "trusted"},
		{"the root, and the server sends the rest", folder(t, root), []*authority{leaf, issuing}, "trusted"},
		{"the root alone", folder(t, root), []*authority{leaf}, "PartialChain"},
		// Go would take an issuing CA as an anchor.
		{"the issuing CA alone", folder(t, issuing), []*authority{leaf}, "PartialChain"},
		{"nothing", folder(t), []*authority{leaf}, "PartialChain"},
		{"nothing, and the server sends all", folder(t), []*authority{leaf, issuing, root}, "UntrustedRoot"},
		{"another name", folder(t, root, issuing), []*authority{issue(t, "other.corp", issuing)}, "RemoteCertificateNameMismatch"},
	} {
		if got := verify(t, today, each.folders, each.chain...); !strings.Contains(got, each.want) {
			t.Errorf("%s: %s, not %s", each.what, got, each.want)
		}
	}
}

func TestFilesThatAreNoCertificatesArePassedOver(t *testing.T) {
	root := issue(t, "root", nil)
	path := folder(t, root)
	if err := os.WriteFile(filepath.Join(path, "README"), []byte("-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "root.der"), root.certificate.Raw, 0o600); err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{"SSL_CERT_DIR": path, "SSL_CERT_FILE": "/nowhere"}
	trust := LoadTrust(func(name string) string { return variables[name] }, today)
	if len(trust.Roots) != 1 || len(trust.Intermediates) != 0 {
		t.Errorf("%d roots, %d others", len(trust.Roots), len(trust.Intermediates))
	}
}

func TestBeforeDotnet8TwoFoldersAreNone(t *testing.T) {
	root := issue(t, "root", nil)
	leaf := issue(t, "github.corp", root)
	one := folder(t, root)
	for _, each := range []struct{ folders, want string }{{one, "trusted"}, {"/etc/ssl/certs:" + one, "PartialChain"}} {
		if got := verify(t, dotnet6, each.folders, leaf); !strings.Contains(got, each.want) {
			t.Errorf("%s: %s, not %s", each.folders, got, each.want)
		}
	}
}
