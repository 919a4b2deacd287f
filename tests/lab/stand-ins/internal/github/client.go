package github

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"arc-setup/tests/lab/stand-ins/internal/release"
	"arc-setup/tests/lab/stand-ins/internal/scaleset"
)

// Client asks one server with one account. Proxies are those of the environment, roots those of Go: the system's
// bundle, or SSL_CERT_FILE and SSL_CERT_DIR.
type Client struct {
	// BaseURL is what runners register against, with a slash at its end.
	BaseURL string

	api           *url.URL
	account       Account
	privateKey    string
	version       release.Version
	http          *http.Client
	mutex         sync.Mutex
	access        token
	registrations map[string]token
}

type token struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires_at"`
}

// New makes a client; nothing is asked yet, but without a usable login there is none.
func New(version release.Version, account Account) (*Client, error) {
	client := &Client{account: account, version: version, http: &http.Client{Transport: http.DefaultTransport}, registrations: map[string]token{}}
	isBasic := account.BasicUser != "" && account.BasicPassword != ""
	if !isBasic && account.Token == "" {
		if err := client.readKey(); err != nil {
			return nil, err
		}
	}
	return client, client.locate()
}

// readKey takes the private key as a path, or as the key itself.
func (client *Client) readKey() error {
	key := client.account.PrivateKey
	if content, err := os.ReadFile(key); err == nil {
		client.privateKey = string(content)
		if err := scaleset.CheckKey(client.privateKey); err != nil {
			return fmt.Errorf("authentication failed: using private key at %s: %w", key, err)
		}
		return nil
	}
	client.privateKey = key
	if err := scaleset.CheckKey(key); err != nil {
		return fmt.Errorf("authentication failed: using private key of size %d (%s...): %w", len(key), strings.SplitN(key, "\n", 2)[0], err)
	}
	return nil
}

func (client *Client) locate() error {
	account := client.account
	client.BaseURL = "https://github.com/"
	text := "https://api.github.com/"
	if account.EnterpriseURL != "" {
		text = account.EnterpriseURL
	} else if account.URL != "" {
		text = account.URL
	}
	address, err := url.Parse(text)
	if err != nil {
		return fmt.Errorf("enterprise url incorrect: %w", err)
	}
	if !strings.HasSuffix(address.Path, "/") {
		address.Path += "/"
	}
	if account.EnterpriseURL != "" {
		isAPI := strings.HasPrefix(address.Host, "api.") || strings.Contains(address.Host, ".api.")
		if !isAPI && !strings.HasSuffix(address.Path, "/api/v3/") {
			address.Path += "api/v3/"
		}
		client.BaseURL = fmt.Sprintf("%s://%s%s", address.Scheme, address.Host, strings.TrimSuffix(address.Path, "api/v3/"))
	} else if account.RunnerURL != "" {
		client.BaseURL = strings.TrimRight(account.RunnerURL, "/") + "/"
	}
	client.api = address
	return nil
}

// Failure is an answer with a status that is none of success.
type Failure struct {
	method, url string
	Status      int
	message     string
}

func (failure *Failure) Error() string {
	return fmt.Sprintf("%s %s: %d %s []", failure.method, failure.url, failure.Status, failure.message)
}

// ask sends a request with the account's login and gives the status.
func (client *Client) ask(ctx context.Context, method, path string, into any) (int, error) {
	authorization, err := client.authorization(ctx)
	if err != nil {
		return 0, err
	}
	return client.send(ctx, method, path, authorization, into)
}

func (client *Client) send(ctx context.Context, method, path, authorization string, into any) (int, error) {
	address, err := client.api.Parse(path)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, method, address.String(), http.NoBody)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Accept", "application/vnd.github.v3+json")
	request.Header.Set("User-Agent", client.userAgent())
	request.Header.Set("Authorization", authorization)
	response, err := client.http.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		var told struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(body, &told)
		return response.StatusCode, &Failure{method, address.String(), response.StatusCode, told.Message}
	}
	if into == nil || len(bytes.TrimSpace(body)) == 0 {
		return response.StatusCode, nil
	}
	return response.StatusCode, json.Unmarshal(body, into)
}

func (client *Client) userAgent() string {
	if client.version.AtLeast(0, 27, 0) {
		return "actions-runner-controller/" + client.version.String()
	}
	return "go-github"
}

// authorization is the login by precedence: basic, token, App.
func (client *Client) authorization(ctx context.Context) (string, error) {
	account := client.account
	if account.BasicUser != "" && account.BasicPassword != "" {
		request := http.Request{Header: http.Header{}}
		request.SetBasicAuth(account.BasicUser, account.BasicPassword)
		return request.Header.Get("Authorization"), nil
	}
	if account.Token != "" {
		return "Bearer " + account.Token, nil
	}
	client.mutex.Lock()
	defer client.mutex.Unlock()
	if time.Until(client.access.Expires) < time.Minute {
		if err := client.renew(ctx); err != nil {
			return "", fmt.Errorf("could not refresh installation id %d's token: %w", account.InstallationID, err)
		}
	}
	return "token " + client.access.Token, nil
}

// renew trades the App's assertion for a token of its installation.
func (client *Client) renew(ctx context.Context) error {
	issued := time.Now().Add(-30 * time.Second).Truncate(time.Second)
	assertion, err := scaleset.Assertion(strconv.FormatInt(client.account.AppID, 10), client.privateKey, issued, issued.Add(2*time.Minute))
	if err != nil {
		return err
	}
	path := fmt.Sprintf("app/installations/%d/access_tokens", client.account.InstallationID)
	var access token
	status, err := client.send(ctx, http.MethodPost, path, "Bearer "+assertion, &access)
	if status >= 300 {
		text := fmt.Sprintf("%d %s", status, http.StatusText(status))
		return fmt.Errorf("received non 2xx response status %q when fetching %s", text, client.api.JoinPath(path))
	}
	if err != nil {
		return fmt.Errorf("could not get access_tokens from GitHub API for installation ID %d: %w", client.account.InstallationID, err)
	}
	client.access = access
	return nil
}
