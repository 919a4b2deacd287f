// kube-rbac-proxy stands in for brancz/kube-rbac-proxy v0.8.0 to v0.13.1: it takes their flags and no
// other, serves TLS, and lets a request through to its upstream only after the API server has said who
// asks (TokenReview) and that they may (SubjectAccessReview).
//
// Not modelled: client certificates, OIDC, --config-file, headers with the user, h2c, the reloading of certificates.
// Each of these flags is accepted and then refused with its name, so that nothing depends on it unseen.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"arc-setup/tests/lab/stand-ins/internal/release"
)

// versionFile names the release of kube-rbac-proxy; the image is made with it.
const versionFile = "/kube-rbac-proxy-version"

func main() {
	content, err := os.ReadFile(versionFile)
	if err != nil {
		klog.Fatalf("an image of the lab must name its release: %v", err)
	}
	version, err := release.Parse(string(content))
	if err != nil {
		klog.Fatalf("%s: %v", versionFile, err)
	}
	settings := parse(version, os.Args)
	if err := settings.refuse(); err != nil {
		klog.Fatalf("%v", err)
	}
	client, err := kubernetesClient(settings.kubeconfig)
	if err != nil {
		klog.Fatalf("%v", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, settings, reviewer{client}); err != nil {
		klog.Fatalf("%v", err)
	}
}

func kubernetesClient(kubeconfig string) (kubernetes.Interface, error) {
	config, err := rest.InClusterConfig()
	if kubeconfig != "" {
		config, err = clientcmd.BuildConfigFromFlags("", kubeconfig)
	}
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}
