package webhook

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	admission "k8s.io/api/admission/v1"

	"arc-setup/tests/lab/stand-ins/internal/logging"
)

var quiet = logging.To(io.Discard)

func TestWithoutCertificateThereIsNoServer(t *testing.T) {
	directory := t.TempDir()
	_, err := New(directory, quiet)
	want := "open " + filepath.Join(directory, "tls.crt") + ": no such file or directory"
	if err == nil || err.Error() != want {
		t.Errorf("the error is %v, not %s", err, want)
	}
	issue(t, directory, "first", time.Now())
	if err := os.Remove(filepath.Join(directory, "tls.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := New(directory, quiet); err == nil || !strings.Contains(err.Error(), "tls.key: no such file") {
		t.Errorf("the error is %v", err)
	}
}

func TestANewCertificateIsServedWithoutRestart(t *testing.T) {
	directory := t.TempDir()
	issue(t, directory, "first", time.Now().Add(-time.Hour))
	server, err := New(directory, quiet)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.serve(t.Context(), listener) }()
	served := func() string {
		connection, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		return connection.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	if got := served(); got != "first" {
		t.Errorf("it serves %s", got)
	}
	issue(t, directory, "second", time.Now())
	if got := served(); got != "second" {
		t.Errorf("it still serves %s", got)
	}
	// Half of a pair is not taken.
	if err := os.WriteFile(filepath.Join(directory, "tls.crt"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := served(); got != "second" {
		t.Errorf("it serves %s", got)
	}
}

func issue(t *testing.T, directory, name string, changed time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		"tls.key": {Type: "PRIVATE KEY", Bytes: private}, "tls.crt": {Type: "CERTIFICATE", Bytes: certificate},
	} {
		path := filepath.Join(directory, file)
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
}

func review(t *testing.T, dialect Dialect, version string, decide Decide) admission.AdmissionReview {
	t.Helper()
	body := `{"kind":"AdmissionReview","apiVersion":"` + version + `","request":{"uid":"u1","object":{}}}`
	request := httptest.NewRequest(http.MethodPost, "/", bytes.NewBufferString(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	reviewer{dialect, decide, quiet}.ServeHTTP(recorder, request)
	var reply admission.AdmissionReview
	if err := json.Unmarshal(recorder.Body.Bytes(), &reply); err != nil {
		t.Fatal(err)
	}
	return reply
}

func allow(context.Context, *admission.AdmissionRequest) Verdict {
	return Verdict{}
}

func TestTheFirstReleaseReadsBetaOnly(t *testing.T) {
	reply := review(t, Dialect{OnlyBeta: true}, "admission.k8s.io/v1", allow)
	if reply.Response.Allowed || reply.Response.Result.Code != http.StatusBadRequest {
		t.Errorf("a review of v1 is answered with %+v", reply.Response)
	}
	reply = review(t, Dialect{OnlyBeta: true}, "admission.k8s.io/v1beta1", allow)
	if !reply.Response.Allowed || reply.Response.UID != "u1" || reply.APIVersion != "" {
		t.Errorf("a review of v1beta1 is answered with %+v", reply)
	}
}

func TestLaterReleasesAnswerInTheVersionAsked(t *testing.T) {
	for _, version := range []string{"admission.k8s.io/v1", "admission.k8s.io/v1beta1"} {
		if reply := review(t, Dialect{}, version, allow); !reply.Response.Allowed || reply.APIVersion != version {
			t.Errorf("a review of %s is answered with %+v", version, reply)
		}
	}
}

func TestRefusalsAndPatches(t *testing.T) {
	reply := review(t, Dialect{}, "admission.k8s.io/v1", func(context.Context, *admission.AdmissionRequest) Verdict {
		return Verdict{Refused: "no scope", Code: http.StatusUnprocessableEntity}
	})
	if reply.Response.Allowed || reply.Response.Result.Message != "no scope" {
		t.Errorf("it answers %+v", reply.Response)
	}
	reply = review(t, Dialect{}, "admission.k8s.io/v1", func(context.Context, *admission.AdmissionRequest) Verdict {
		return Verdict{Patches: []Patch{{"remove", Pointer("metadata", "annotations", "a/b"), nil}}}
	})
	if got := string(reply.Response.Patch); got != `[{"op":"remove","path":"/metadata/annotations/a~1b"}]` {
		t.Errorf("the patch is %s", got)
	}
}
