package scaleset

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Registration is retried where GitHub has not yet spread the registration token to all its servers.
const (
	registrationAttempts = 6
	registrationWait     = 500 * time.Millisecond
)

// connection gives the service's address and the token for it; a new token a minute before it expires.
func (client *Client) connection(ctx context.Context) (service, token string, err error) {
	client.mutex.Lock()
	defer client.mutex.Unlock()
	if client.service == "" || time.Until(client.expires) < time.Minute {
		if err := client.connect(ctx); err != nil {
			return "", "", err
		}
	}
	return client.service, client.admin, nil
}

func (client *Client) connect(ctx context.Context) error {
	registration, err := client.RegistrationToken(ctx)
	if err != nil {
		return fmt.Errorf("failed to get runner registration token: %w", err)
	}
	var connection struct {
		URL   string `json:"url"`
		Token string `json:"token"`
	}
	header := http.Header{"Authorization": {"RemoteAuth " + registration}}
	body := map[string]string{"url": client.address.URL.String(), "runner_event": "register"}
	for attempt := 1; ; attempt++ {
		err = client.Do(ctx, http.MethodPost, client.address.API("/actions/runner-registration"), header, body, []int{200, 201}, &connection)
		var failure *Failure
		mayPass := errors.As(err, &failure) && (failure.Status == 401 || failure.Status == 403)
		if !mayPass || attempt == registrationAttempts {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(registrationWait):
		}
	}
	if err != nil {
		return fmt.Errorf("failed to get Actions service admin connection: %w", err)
	}
	expires, err := expiry(connection.Token)
	if err != nil {
		return err
	}
	client.service, client.admin, client.expires = connection.URL, connection.Token, expires
	return nil
}

// RegistrationToken asks GitHub for a token that registers runners of the scope.
func (client *Client) RegistrationToken(ctx context.Context) (string, error) {
	bearer, err := client.bearer(ctx)
	if err != nil {
		return "", err
	}
	var registration struct {
		Token string `json:"token"`
	}
	path := "/" + client.address.Scope + "/actions/runners/registration-token"
	header := http.Header{"Authorization": {"Bearer " + bearer}}
	header.Set("Content-Type", "application/vnd.github.v3+json")
	err = client.Do(ctx, http.MethodPost, client.address.API(path), header, nil, []int{201}, &registration)
	return registration.Token, err
}

// bearer is the personal token, or a fresh one of the App's installation.
func (client *Client) bearer(ctx context.Context) (string, error) {
	app := client.credentials.App
	if app == nil {
		return client.credentials.Token, nil
	}
	assertion, err := app.assertion(time.Now())
	if err != nil {
		return "", fmt.Errorf("failed to create JWT for GitHub App: %w", err)
	}
	var access struct {
		Token string `json:"token"`
	}
	path := fmt.Sprintf("/app/installations/%d/access_tokens", app.InstallationID)
	header := http.Header{"Authorization": {"Bearer " + assertion}}
	err = client.Do(ctx, http.MethodPost, client.address.API(path), header, nil, []int{201}, &access)
	if err != nil {
		return "", fmt.Errorf("failed to get access token for GitHub App auth: %w", err)
	}
	return access.Token, nil
}

// expiry reads the `exp` claim; nothing is verified.
func expiry(token string) (time.Time, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, errors.New("failed to parse jwt token: token contains an invalid number of segments")
	}
	content, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}, fmt.Errorf("failed to parse jwt token: %w", err)
	}
	var claims struct {
		Exp *int64 `json:"exp"`
	}
	if err := json.Unmarshal(content, &claims); err != nil || claims.Exp == nil {
		return time.Time{}, errors.New("failed to parse jwt token: token has no exp claim")
	}
	return time.Unix(*claims.Exp, 0), nil
}
