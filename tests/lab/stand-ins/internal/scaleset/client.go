package scaleset

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Settings say how a client connects.
type Settings struct {
	// Subsystem stands in the User-Agent: `controller`, `ghalistener`.
	Subsystem string
	// Version is the release of ARC.
	Version string
	// ScaleSetID is 0 where there is none yet.
	ScaleSetID int
	// RootCAs replaces the system's pool where it is set.
	RootCAs *x509.CertPool
	// Proxy chooses the proxy of a request.
	Proxy func(*http.Request) (*url.URL, error)
}

// Client speaks for one scope, with one account.
type Client struct {
	address     *Address
	credentials Credentials
	http        *retryablehttp.Client
	userAgent   string

	mutex   sync.Mutex
	service string
	admin   string
	expires time.Time
}

// Failure is an answer that was not what was asked for.
type Failure struct {
	Status int
	// Kind is the name of the service's exception, such as AgentNotFoundException; often empty.
	Kind    string
	Message string
}

func (failure *Failure) Error() string {
	return fmt.Sprintf("actions error: StatusCode %d, %s: %s", failure.Status, failure.Kind, failure.Message)
}

// New makes a client; nothing is asked yet.
func New(configURL string, credentials Credentials, settings Settings) (*Client, error) {
	address, err := ParseAddress(configURL)
	if err != nil {
		return nil, fmt.Errorf("failed to parse githubConfigURL: %w", err)
	}
	agent, err := json.Marshal(map[string]any{
		"system": "actions-runner-controller", "version": settings.Version, "commit_sha": "NA",
		"scale_set_id": settings.ScaleSetID, "subsystem": settings.Subsystem,
	})
	if err != nil {
		return nil, err
	}
	return &Client{address: address, credentials: credentials, http: retrying(settings), userAgent: string(agent)}, nil
}

// retrying retries what may pass, four times and up to 30 s apart; a poll may last five minutes.
func retrying(settings Settings) *retryablehttp.Client {
	client := retryablehttp.NewClient()
	client.Logger = nil
	client.RetryMax = 4
	client.RetryWaitMax = 30 * time.Second
	client.HTTPClient.Timeout = 5 * time.Minute
	// The answer itself says more than "giving up after 5 attempts".
	client.ErrorHandler = retryablehttp.PassthroughErrorHandler
	if transport, ok := client.HTTPClient.Transport.(*http.Transport); ok {
		transport.TLSClientConfig = &tls.Config{RootCAs: settings.RootCAs, MinVersion: tls.VersionTLS12}
		transport.Proxy = settings.Proxy
	}
	return client
}

// Call asks the scale-set service: path is relative to it, and may have a query. `into` may be nil.
func (client *Client) Call(ctx context.Context, method, path string, body any, want int, into any) error {
	return client.CallWith(ctx, method, path, "", body, want, into)
}

// CallWith is Call with another token than the client's own; the empty one is its own.
func (client *Client) CallWith(ctx context.Context, method, path, token string, body any, want int, into any) error {
	service, own, err := client.connection(ctx)
	if err != nil {
		return fmt.Errorf("failed to issue update token if needed: %w", err)
	}
	if token == "" {
		token = own
	}
	address, err := url.Parse(strings.TrimRight(service, "/") + "/" + strings.TrimLeft(path, "/"))
	if err != nil {
		return err
	}
	query := address.Query()
	query.Set("api-version", "6.0-preview")
	address.RawQuery = query.Encode()
	header := http.Header{"Authorization": {"Bearer " + token}}
	return client.Do(ctx, method, address.String(), header, body, []int{want}, into)
}

// Do sends a request as it is, with the client's User-Agent, and decodes an answer of 200 or 201.
func (client *Client) Do(ctx context.Context, method, address string, header http.Header, body any, want []int, into any) error {
	answer, err := client.send(ctx, method, address, header, body)
	if err != nil {
		return err
	}
	return answer.decode(want, into)
}

// Ask sends a request as it is and gives the status and the body, whatever they are.
func (client *Client) Ask(ctx context.Context, method, address string, header http.Header) (int, []byte, error) {
	answer, err := client.send(ctx, method, address, header, nil)
	if err != nil {
		return 0, nil, err
	}
	return answer.status, answer.body, nil
}

type answer struct {
	status int
	body   []byte
}

func (client *Client) send(ctx context.Context, method, address string, header http.Header, body any) (*answer, error) {
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	request, err := retryablehttp.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("User-Agent", client.userAgent)
	if request.Header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("failed to send request: %w", err)
	}
	defer response.Body.Close()
	content, err = io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("failed to read the response body: %w", err)
	}
	// The service writes a byte order mark.
	return &answer{response.StatusCode, bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))}, nil
}

func (answer *answer) decode(want []int, into any) error {
	for _, status := range want {
		if answer.status != status {
			continue
		}
		if into == nil {
			return nil
		}
		if err := json.Unmarshal(answer.body, into); err != nil {
			return fmt.Errorf("failed to decode the response: %w", err)
		}
		return nil
	}
	return answer.failure()
}

func (answer *answer) failure() error {
	var told struct {
		TypeName string `json:"typeName"`
		Message  string `json:"message"`
	}
	if json.Unmarshal(answer.body, &told) != nil || told.Message == "" {
		told.Message = strings.TrimSpace(string(answer.body))
	}
	kind := told.TypeName[strings.LastIndex(told.TypeName, ".")+1:]
	return &Failure{Status: answer.status, Kind: kind, Message: told.Message}
}
