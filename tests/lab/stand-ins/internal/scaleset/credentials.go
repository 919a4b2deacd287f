package scaleset

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// Credentials are a personal access token, or an App.
type Credentials struct {
	Token string
	App   *App
}

// App is a GitHub App that is installed somewhere.
type App struct {
	// ID is the App's number or its client ID.
	ID             string
	InstallationID int64
	// PrivateKey is PEM text.
	PrivateKey string
}

// assertion proves to GitHub that the holder of the App's key asks.
func (app *App) assertion(now time.Time) (string, error) {
	// A minute ago, because clocks differ; GitHub takes ten minutes at most.
	issued := now.Add(-time.Minute)
	return Assertion(app.ID, app.PrivateKey, issued, issued.Add(9*time.Minute))
}

// Assertion is a JSON web token that an App's key, PEM text, signs (RS256).
func Assertion(issuer, privateKey string, issued, expires time.Time) (string, error) {
	key, err := rsaKey(privateKey)
	if err != nil {
		return "", err
	}
	part := func(value any) (string, error) {
		text, err := json.Marshal(value)
		return base64.RawURLEncoding.EncodeToString(text), err
	}
	header, err := part(map[string]string{"alg": "RS256", "typ": "JWT"})
	if err != nil {
		return "", err
	}
	claims, err := part(map[string]any{"iss": issuer, "iat": issued.Unix(), "exp": expires.Unix()})
	if err != nil {
		return "", err
	}
	signed := header + "." + claims
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// CheckKey refuses what is no App's key.
func CheckKey(privateKey string) error {
	_, err := rsaKey(privateKey)
	return err
}

func rsaKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("could not parse private key: invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("could not parse private key: %w", err)
	}
	key, isRSA := parsed.(*rsa.PrivateKey)
	if !isRSA {
		return nil, errors.New("could not parse private key: key is not a valid RSA private key")
	}
	return key, nil
}
