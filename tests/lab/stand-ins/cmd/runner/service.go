package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"arc-setup/tests/lab/stand-ins/internal/dotnet"
	"arc-setup/tests/lab/stand-ins/internal/release"
)

// versionFile names the runner's release; it stands beside the program.
const versionFile = "runner-version"

// service is GitHub as the runner sees it.
type service struct {
	client  *http.Client
	version dotnet.Release
}

func newService(environment func(string) string) (*service, error) {
	directory, err := home()
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(filepath.Join(directory, "bin", versionFile))
	if err != nil {
		return nil, fmt.Errorf("an image of the lab must name its runner's release: %w", err)
	}
	parsed, err := release.Parse(string(content))
	if err != nil {
		return nil, err
	}
	version := dotnet.Release{Version: parsed}
	return &service{dotnet.Client(environment, version), version}, nil
}

// serviceFailure is an answer that was not what was asked for.
type serviceFailure struct {
	status int
	text   string
}

func (failure *serviceFailure) Error() string {
	return fmt.Sprintf("Http response code: %d from %s", failure.status, failure.text)
}

// mayPass is true where another try may be answered otherwise.
func (failure *serviceFailure) mayPass() bool {
	return failure.status >= 500 || failure.status == http.StatusTooManyRequests
}

// ask sends JSON and decodes an answer of 2xx; `into` may be nil. The status is 0 without an answer.
func (service *service) ask(ctx context.Context, method, address, authorization string, body, into any) (int, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return 0, err
	}
	request.Header.Set("User-Agent", "GitHubActionsRunner-linux-x64/"+service.version.String())
	request.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := service.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return response.StatusCode, err
	}
	if response.StatusCode >= 300 {
		return response.StatusCode, &serviceFailure{response.StatusCode, fmt.Sprintf("'%s %s' %s", method, address, strings.TrimSpace(string(text)))}
	}
	if into != nil && len(text) > 0 {
		err = json.Unmarshal(text, into)
	}
	return response.StatusCode, err
}

// pool is the address of a call about runners.
func (identity *identity) pool(path string, query url.Values) string {
	if query == nil {
		query = url.Values{}
	}
	query.Set("api-version", "6.0-preview")
	base := strings.TrimRight(identity.Runner.ServerURL, "/")
	return fmt.Sprintf("%s/_apis/distributedtask/pools/%d/%s?%s", base, identity.Runner.PoolID, path, query.Encode())
}

func (identity *identity) bearer() string {
	return "Bearer " + identity.Credentials.Data.Token
}
