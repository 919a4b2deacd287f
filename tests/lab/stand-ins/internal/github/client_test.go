package github

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"arc-setup/tests/lab/stand-ins/internal/release"
)

var latest = release.Of(0, 27, 6)

func TestTheEnvironmentGivesAnAccount(t *testing.T) {
	variables := map[string]string{"GITHUB_TOKEN": "pat", "GITHUB_URL": "https://api.corp", "GITHUB_APP_ID": "12"}
	lookup := func(name string) (string, bool) {
		value, isSet := variables[name]
		return value, isSet
	}
	account, err := FromEnvironment(latest, lookup)
	if err != nil || account.Token != "pat" || account.URL != "https://api.corp" || account.AppID != 12 {
		t.Errorf("%+v %v", account, err)
	}
	if account, _ = FromEnvironment(release.Of(0, 20, 4), lookup); account.URL != "" {
		t.Error("0.20 does not know GITHUB_URL")
	}
	// A key of a Secret that is there and empty: the original ends.
	variables["GITHUB_APP_INSTALLATION_ID"] = ""
	if _, err = FromEnvironment(latest, lookup); err == nil || !strings.Contains(err.Error(), "assigning GITHUB_APP_INSTALLATION_ID") {
		t.Errorf("%v", err)
	}
}

func TestASecretOfASetMayLeaveTheServerOut(t *testing.T) {
	data := map[string][]byte{"github_token": []byte("pat"), "github_app_id": []byte("7")}
	account, err := FromSecret(data, Account{EnterpriseURL: "https://github.corp"})
	if err != nil || account.EnterpriseURL != "https://github.corp" || account.AppID != 7 {
		t.Errorf("%+v %v", account, err)
	}
	data["github_app_id"] = []byte("seven")
	if _, err := FromSecret(data, Account{}); err == nil {
		t.Error("seven was taken for a number")
	}
}

func TestWhereAServerIsAskedAndRunnersRegister(t *testing.T) {
	for _, each := range []struct {
		account   Account
		api, base string
	}{
		{Account{}, "https://api.github.com/", "https://github.com/"},
		{Account{EnterpriseURL: "https://github.corp"}, "https://github.corp/api/v3/", "https://github.corp/"},
		{Account{EnterpriseURL: "https://github.corp/api/v3/"}, "https://github.corp/api/v3/", "https://github.corp/"},
		{Account{URL: "https://api.acme.ghe.com", RunnerURL: "https://acme.ghe.com"}, "https://api.acme.ghe.com/", "https://acme.ghe.com/"},
	} {
		each.account.Token = "pat"
		client, err := New(latest, each.account)
		if err != nil || client.api.String() != each.api || client.BaseURL != each.base {
			t.Errorf("%+v: %v %v", each.account, client, err)
		}
	}
}

func TestWithoutALoginThereIsNoClient(t *testing.T) {
	if _, err := New(latest, Account{}); err == nil || !strings.Contains(err.Error(), "authentication failed") {
		t.Errorf("%v", err)
	}
}

// server knows one App and one token.
func server(t *testing.T, asked *[]string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v3/app/installations/7/access_tokens", func(response http.ResponseWriter, request *http.Request) {
		*asked = append(*asked, "access")
		if strings.Count(request.Header.Get("Authorization"), ".") != 2 {
			response.WriteHeader(http.StatusUnauthorized)
			return
		}
		response.WriteHeader(http.StatusCreated)
		fmt.Fprintf(response, `{"token": "installation", "expires_at": %q}`, time.Now().Add(time.Hour).Format(time.RFC3339))
	})
	mux.HandleFunc("POST /api/v3/orgs/acme/actions/runners/registration-token", func(response http.ResponseWriter, request *http.Request) {
		login := request.Header.Get("Authorization")
		*asked = append(*asked, login)
		if login != "token installation" && login != "Bearer pat" {
			response.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(response, `{"message": "Bad credentials"}`)
			return
		}
		response.WriteHeader(http.StatusCreated)
		fmt.Fprintf(response, `{"token": "registration", "expires_at": %q}`, time.Now().Add(time.Hour).Format(time.RFC3339))
	})
	stub := httptest.NewServer(mux)
	t.Cleanup(stub.Close)
	return stub.URL
}

func TestAnAppTradesItsKeyOnceAndATokenIsKept(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	content := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, given := range []string{path, string(content)} {
		var asked []string
		client, err := New(latest, Account{EnterpriseURL: server(t, &asked), AppID: 1, InstallationID: 7, PrivateKey: given})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			made, _, err := client.RegistrationToken(context.Background(), Scope{Organization: "acme"})
			if err != nil || made != "registration" {
				t.Fatal(made, err)
			}
		}
		if told := strings.Join(asked, ","); told != "access,token installation" {
			t.Errorf("asked %s", told)
		}
	}
}

func TestARefusedTokenIsToldWithItsStatus(t *testing.T) {
	var asked []string
	client, err := New(latest, Account{EnterpriseURL: server(t, &asked), Token: "wrong"})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = client.RegistrationToken(context.Background(), Scope{Organization: "acme"})
	if err == nil || !strings.Contains(err.Error(), "401 Bad credentials") {
		t.Errorf("%v", err)
	}
}
