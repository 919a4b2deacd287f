package kube

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// InClusterNamespace is where a pod finds the name of its namespace; leader election reads it.
const InClusterNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// Load finds the cluster as controller-runtime does: the flag, KUBECONFIG, the pod's own account, ~/.kube/config.
func Load(kubeconfig, master string) (*rest.Config, error) {
	if kubeconfig == "" {
		kubeconfig = os.Getenv("KUBECONFIG")
	}
	if kubeconfig != "" || master != "" {
		return clientcmd.BuildConfigFromFlags(master, kubeconfig)
	}
	config, err := rest.InClusterConfig()
	if err == nil {
		return config, nil
	}
	if home, homeErr := os.UserHomeDir(); homeErr == nil {
		path := filepath.Join(home, ".kube", "config")
		if _, statErr := os.Stat(path); statErr == nil {
			return clientcmd.BuildConfigFromFlags("", path)
		}
	}
	return nil, fmt.Errorf("could not locate a kubeconfig: %w", err)
}

// Namespace is the namespace of this pod.
func Namespace() (string, error) {
	content, err := os.ReadFile(InClusterNamespace)
	if os.IsNotExist(err) {
		return "", fmt.Errorf("unable to find leader election namespace: not running in-cluster, please specify LeaderElectionNamespace")
	}
	if err != nil {
		return "", fmt.Errorf("unable to find leader election namespace: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}
