package scaleset

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestWhereAnAddressIsAsked(t *testing.T) {
	for _, each := range []struct{ configured, scope, api string }{
		{"https://github.corp/acme", "orgs/acme", "https://github.corp/api/v3/x"},
		{"https://github.corp/acme/app/", "repos/acme/app", "https://github.corp/api/v3/x"},
		{"https://github.corp/enterprises/acme", "enterprises/acme", "https://github.corp/api/v3/x"},
		{"http://github.corp:8080/acme", "orgs/acme", "http://github.corp:8080/api/v3/x"},
		{"https://github.com/acme", "orgs/acme", "https://api.github.com/x"},
		{"https://www.github.com/acme", "orgs/acme", "https://api.github.com/x"},
		{"https://acme.ghe.com/acme", "orgs/acme", "https://api.acme.ghe.com/x"},
	} {
		address, err := ParseAddress(each.configured)
		if err != nil {
			t.Errorf("%s: %v", each.configured, err)
			continue
		}
		if address.Scope != each.scope || address.API("/x") != each.api {
			t.Errorf("%s: %s at %s", each.configured, address.Scope, address.API("/x"))
		}
	}
	for _, wrong := range []string{"github.corp/acme", "https://github.corp", "https://github.corp/a/b/c"} {
		if _, err := ParseAddress(wrong); err == nil {
			t.Errorf("%s was taken", wrong)
		}
	}
}

// server is a GitHub that refuses the first `refusals` registrations, and whose service answers with `answer`.
func server(t *testing.T, refusals int, answer http.HandlerFunc) *Client {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v3/orgs/acme/actions/runners/registration-token", func(response http.ResponseWriter, request *http.Request) {
		if request.Header.Get("Authorization") != "Bearer pat" {
			response.WriteHeader(http.StatusUnauthorized)
			return
		}
		response.WriteHeader(http.StatusCreated)
		fmt.Fprint(response, `{"token": "registration"}`)
	})
	mux.HandleFunc("POST /api/v3/actions/runner-registration", func(response http.ResponseWriter, request *http.Request) {
		if refusals--; refusals >= 0 || request.Header.Get("Authorization") != "RemoteAuth registration" {
			response.WriteHeader(http.StatusUnauthorized)
			return
		}
		claims := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp": %d}`, time.Now().Add(time.Hour).Unix()))
		fmt.Fprintf(response, `{"url": "http://%s/tenant/", "token": "h.%s.s"}`, request.Host, claims)
	})
	mux.HandleFunc("/tenant/", answer)
	listening := httptest.NewServer(mux)
	t.Cleanup(listening.Close)
	client, err := New(listening.URL+"/acme", Credentials{Token: "pat"}, Settings{Subsystem: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestARegistrationThatIsRefusedAtFirstIsTriedAgain(t *testing.T) {
	client := server(t, 1, func(response http.ResponseWriter, request *http.Request) {
		if request.URL.Query().Get("api-version") != "6.0-preview" || !strings.HasPrefix(request.Header.Get("Authorization"), "Bearer h.") {
			response.WriteHeader(http.StatusBadRequest)
		}
		// With the byte order mark of the original.
		fmt.Fprint(response, "\xef\xbb\xbf"+`{"count": 1}`)
	})
	var got struct{ Count int }
	if err := client.Call(context.Background(), "GET", "_apis/runtime/runnerscalesets?name=n", nil, 200, &got); err != nil || got.Count != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTheServicesExceptionIsToldByItsName(t *testing.T) {
	client := server(t, 0, func(response http.ResponseWriter, _ *http.Request) {
		response.WriteHeader(http.StatusConflict)
		fmt.Fprint(response, `{"typeName": "GitHub.Actions.Runtime.WebApi.AgentExistsException", "message": "taken"}`)
	})
	var failure *Failure
	err := client.Call(context.Background(), "POST", "x", nil, 200, nil)
	if !errors.As(err, &failure) || failure.Status != 409 || failure.Kind != "AgentExistsException" || failure.Message != "taken" {
		t.Errorf("%v", err)
	}
}

func TestAWrongTokenIsSaidAtOnce(t *testing.T) {
	client := server(t, 0, func(http.ResponseWriter, *http.Request) {})
	client.credentials.Token = "other"
	err := client.Call(context.Background(), "GET", "x", nil, 200, nil)
	if err == nil || !strings.Contains(err.Error(), "StatusCode 401") {
		t.Errorf("%v", err)
	}
}
