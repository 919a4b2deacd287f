// Package github is the legacy controller's client of GitHub's REST API.
package github

import (
	"fmt"
	"strconv"

	"arc-setup/tests/lab/stand-ins/internal/flags"
	"arc-setup/tests/lab/stand-ins/internal/release"
)

// Account says where GitHub is and who asks.
type Account struct {
	Token                    string
	AppID, InstallationID    int64
	PrivateKey               string
	EnterpriseURL            string
	URL, RunnerURL           string
	BasicUser, BasicPassword string
}

// FromEnvironment reads the variables with the prefix GITHUB_. A number that is set and empty is no number, and ends
// the process: that is what the original's reader of variables does.
func FromEnvironment(version release.Version, lookup func(string) (string, bool)) (Account, error) {
	var account Account
	read := func(name string, into *string) {
		*into, _ = lookup("GITHUB_" + name)
	}
	read("TOKEN", &account.Token)
	read("APP_PRIVATE_KEY", &account.PrivateKey)
	read("ENTERPRISE_URL", &account.EnterpriseURL)
	if version.IsScaleSet() || version.AtLeast(0, 21, 0) {
		read("URL", &account.URL)
		read("BASICAUTH_USERNAME", &account.BasicUser)
		read("BASICAUTH_PASSWORD", &account.BasicPassword)
	}
	for _, one := range []struct {
		variable, field string
		into            *int64
	}{
		{"GITHUB_APP_ID", "AppID", &account.AppID},
		{"GITHUB_APP_INSTALLATION_ID", "AppInstallationID", &account.InstallationID},
	} {
		text, isSet := lookup(one.variable)
		if !isSet {
			continue
		}
		number, err := strconv.ParseInt(text, 0, 64)
		if err != nil {
			return account, fmt.Errorf("envconfig.Process: assigning %s to %s: converting '%s' to type int64. details: %w", one.variable, one.field, text, err)
		}
		*one.into = number
	}
	return account, nil
}

// WithFlags puts what flags say above what the environment says.
func (account Account) WithFlags(options flags.Options) Account {
	for _, one := range []struct {
		flag string
		into *string
	}{
		{"github-token", &account.Token},
		{"github-app-private-key", &account.PrivateKey},
		{"github-enterprise-url", &account.EnterpriseURL},
		{"github-url", &account.URL},
		{"github-basicauth-username", &account.BasicUser},
		{"github-basicauth-password", &account.BasicPassword},
		{"runner-github-url", &account.RunnerURL},
	} {
		if value := options.String(one.flag); value != "" {
			*one.into = value
		}
	}
	for _, one := range []struct {
		flag string
		into *int64
	}{
		{"github-app-id", &account.AppID},
		{"github-app-installation-id", &account.InstallationID},
	} {
		if value := options.Int64(one.flag); value != 0 {
			*one.into = value
		}
	}
	return account
}

// FromSecret reads a login of single runner sets (from 0.26 on). A Secret that names no server means the controller's
// own, but only where that is an Enterprise Server.
func FromSecret(data map[string][]byte, controllers Account) (Account, error) {
	account := Account{
		Token: string(data["github_token"]), PrivateKey: string(data["github_app_private_key"]),
		EnterpriseURL: string(data["github_enterprise_url"]), URL: string(data["github_url"]),
		RunnerURL: string(data["github_runner_url"]),
		BasicUser: string(data["github_basicauth_username"]), BasicPassword: string(data["github_basicauth_password"]),
	}
	for key, into := range map[string]*int64{"github_app_id": &account.AppID, "github_app_installation_id": &account.InstallationID} {
		text, isSet := data[key]
		if !isSet {
			continue
		}
		number, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			return account, err
		}
		*into = number
	}
	if account.EnterpriseURL == "" {
		account.EnterpriseURL = controllers.EnterpriseURL
	}
	return account, nil
}
