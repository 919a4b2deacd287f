package autoscaling

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http/httpproxy"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/release"
	"arc-setup/tests/lab/stand-ins/internal/scaleset"
)

// services keeps one client for each account, address, proxy and authority.
type services struct {
	client  *kube.Client
	version release.Version
	mutex   sync.Mutex
	known   map[string]*scaleset.Client
}

// get is the client of a connection; everything it names stands in the namespace.
func (services *services) get(ctx context.Context, namespace string, connection Connection) (*scaleset.Client, error) {
	var secret corev1.Secret
	if err := services.client.Get(ctx, kube.Secrets, types.NamespacedName{Namespace: namespace, Name: connection.ConfigSecret}, &secret); err != nil {
		return nil, fmt.Errorf("failed to get kubernetes secret: %q: %w", connection.ConfigSecret, err)
	}
	credentials, err := credentialsIn(&secret)
	if err != nil {
		return nil, err
	}
	proxy, proxyKey, err := services.proxy(ctx, namespace, connection.Proxy)
	if err != nil {
		return nil, fmt.Errorf("failed to get proxy func: %w", err)
	}
	authority, err := services.authority(ctx, namespace, connection.ServerTLS)
	if err != nil {
		return nil, fmt.Errorf("failed to get tls config: %w", err)
	}
	settings := scaleset.Settings{Subsystem: "controller", Version: services.version.String(), Proxy: proxy}
	if authority != "" {
		if settings.RootCAs, err = poolWith(authority); err != nil {
			return nil, err
		}
	}
	key := kube.Digest(connection, proxyKey, authority, secret.Data)
	services.mutex.Lock()
	defer services.mutex.Unlock()
	if known := services.known[key]; known != nil {
		return known, nil
	}
	made, err := scaleset.New(connection.ConfigURL, credentials, settings)
	if err == nil {
		services.known[key] = made
	}
	return made, err
}

// credentialsIn reads exactly one way to log in.
func credentialsIn(secret *corev1.Secret) (scaleset.Credentials, error) {
	var read scaleset.Credentials
	text := func(key string) string { return string(secret.Data[key]) }
	hasToken := text("github_token") != ""
	hasApp := text("github_app_id") != "" || text("github_app_installation_id") != "" || text("github_app_private_key") != ""
	switch {
	case hasToken && hasApp:
		return read, errors.New("must provide secret with only PAT or GitHub App Auth, both provided")
	case hasToken:
		read.Token = text("github_token")
		return read, nil
	case !hasApp:
		return read, errors.New("must provide secret with either PAT or GitHub App Auth")
	}
	installation, err := strconv.ParseInt(text("github_app_installation_id"), 10, 64)
	if err != nil {
		return read, err
	}
	if text("github_app_id") == "" || text("github_app_private_key") == "" {
		return read, errors.New("no credentials provided: github_app_id or github_app_private_key is missing")
	}
	read.App = &scaleset.App{ID: text("github_app_id"), InstallationID: installation, PrivateKey: text("github_app_private_key")}
	return read, nil
}

// proxy is the set's own one, with accounts from Secrets; without one it is the environment's.
func (services *services) proxy(ctx context.Context, namespace string, proxy *Proxy) (func(*http.Request) (*url.URL, error), string, error) {
	if proxy == nil {
		return http.ProxyFromEnvironment, "", nil
	}
	addresses, err := proxy.addresses(ctx, services.client, namespace)
	if err != nil {
		return nil, "", err
	}
	config := httpproxy.Config{HTTPProxy: addresses["http_proxy"], HTTPSProxy: addresses["https_proxy"], NoProxy: addresses["no_proxy"]}
	choose := config.ProxyFunc()
	return func(request *http.Request) (*url.URL, error) { return choose(request.URL) }, kube.Digest(addresses), nil
}

// addresses are the values of the variables http_proxy, https_proxy and no_proxy, accounts included.
func (proxy *Proxy) addresses(ctx context.Context, client *kube.Client, namespace string) (map[string]string, error) {
	result := map[string]string{}
	for name, server := range map[string]*ProxyServer{"http_proxy": proxy.HTTP, "https_proxy": proxy.HTTPS} {
		if server == nil {
			continue
		}
		address, err := url.Parse(server.URL)
		if err != nil {
			return nil, fmt.Errorf("failed to parse proxy url %q: %w", server.URL, err)
		}
		if server.CredentialSecretRef != "" {
			var secret corev1.Secret
			if err := client.Get(ctx, kube.Secrets, types.NamespacedName{Namespace: namespace, Name: server.CredentialSecretRef}, &secret); err != nil {
				return nil, fmt.Errorf("failed to get secret %s/%s: %w", namespace, server.CredentialSecretRef, err)
			}
			address.User = url.UserPassword(string(secret.Data["username"]), string(secret.Data["password"]))
		}
		result[name] = address.String()
	}
	if len(proxy.NoProxy) > 0 {
		result["no_proxy"] = strings.Join(proxy.NoProxy, ",")
	}
	return result, nil
}

// authority is the PEM text that is trusted beside the system's roots; empty is none.
func (services *services) authority(ctx context.Context, namespace string, tls *ServerTLS) (string, error) {
	if tls == nil {
		return "", nil
	}
	if tls.CertificateFrom == nil || tls.CertificateFrom.ConfigMapKeyRef == nil {
		return "", errors.New("githubServerTLS.certificateFrom not specified")
	}
	reference := tls.CertificateFrom.ConfigMapKeyRef
	var source corev1.ConfigMap
	if err := services.client.Get(ctx, kube.ConfigMaps, types.NamespacedName{Namespace: namespace, Name: reference.Name}, &source); err != nil {
		return "", fmt.Errorf("failed to get configmap %s/%s: %w", namespace, reference.Name, err)
	}
	text, found := source.Data[reference.Key]
	if !found {
		return "", fmt.Errorf("no key %q in configmap %s/%s", reference.Key, namespace, reference.Name)
	}
	return text, nil
}

func poolWith(authority string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("failed to get system cert pool: %w", err)
	}
	if !pool.AppendCertsFromPEM([]byte(authority)) {
		return nil, errors.New("failed to parse root certificate")
	}
	return pool, nil
}
