// Package autoscaling is the manager of the group actions.github.com: it turns an AutoscalingRunnerSet into a scale set
// at GitHub, a listener and runner pods, as each release does.
package autoscaling

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Proxy is how GitHub is reached.
type Proxy struct {
	HTTP    *ProxyServer `json:"http,omitempty"`
	HTTPS   *ProxyServer `json:"https,omitempty"`
	NoProxy []string     `json:"noProxy,omitempty"`
}

// ProxyServer is one proxy; its account stands in a Secret with the keys username and password.
type ProxyServer struct {
	URL                 string `json:"url,omitempty"`
	CredentialSecretRef string `json:"credentialSecretRef,omitempty"`
}

// ServerTLS names a ConfigMap with authorities that are trusted beside the system's.
type ServerTLS struct {
	CertificateFrom *struct {
		ConfigMapKeyRef *corev1.ConfigMapKeySelector `json:"configMapKeyRef,omitempty"`
	} `json:"certificateFrom,omitempty"`
}

// Meta is labels and annotations for an object that the controller makes.
type Meta struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Connection says where a set belongs and how GitHub is reached, in all kinds.
type Connection struct {
	ConfigURL    string     `json:"githubConfigUrl,omitempty"`
	ConfigSecret string     `json:"githubConfigSecret,omitempty"`
	Proxy        *Proxy     `json:"proxy,omitempty"`
	ServerTLS    *ServerTLS `json:"githubServerTLS,omitempty"`
}

// SetSpec is the specification of an AutoscalingRunnerSet.
type SetSpec struct {
	Connection       `json:",inline"`
	RunnerGroup      string                  `json:"runnerGroup,omitempty"`
	ScaleSetName     string                  `json:"runnerScaleSetName,omitempty"`
	ScaleSetLabels   []string                `json:"runnerScaleSetLabels,omitempty"`
	VaultConfig      map[string]any          `json:"vaultConfig,omitempty"`
	Template         corev1.PodTemplateSpec  `json:"template,omitempty"`
	ListenerTemplate *corev1.PodTemplateSpec `json:"listenerTemplate,omitempty"`
	ListenerMetrics  map[string]any          `json:"listenerMetrics,omitempty"`
	MinRunners       *int                    `json:"minRunners,omitempty"`
	MaxRunners       *int                    `json:"maxRunners,omitempty"`

	ListenerMeta            *Meta `json:"autoscalingListener,omitempty"`
	ListenerAccountMeta     *Meta `json:"listenerServiceAccountMetadata,omitempty"`
	ListenerRoleMeta        *Meta `json:"listenerRoleMetadata,omitempty"`
	ListenerRoleBindingMeta *Meta `json:"listenerRoleBindingMetadata,omitempty"`
	ListenerConfigMeta      *Meta `json:"listenerConfigSecretMetadata,omitempty"`
	RunnerSetMeta           *Meta `json:"ephemeralRunnerSetMetadata,omitempty"`
	RunnerMeta              *Meta `json:"ephemeralRunnerMetadata,omitempty"`
	RunnerConfigMeta        *Meta `json:"ephemeralRunnerConfigSecretMetadata,omitempty"`
}

// SetStatus is the status of an AutoscalingRunnerSet.
type SetStatus struct {
	Current int    `json:"currentRunners"`
	Phase   string `json:"phase,omitempty"`
	Pending int    `json:"pendingEphemeralRunners"`
	Running int    `json:"runningEphemeralRunners"`
	Failed  int    `json:"failedEphemeralRunners"`
}

// Set is an AutoscalingRunnerSet.
type Set struct {
	v1.TypeMeta   `json:",inline"`
	v1.ObjectMeta `json:"metadata,omitempty"`
	Spec          SetSpec   `json:"spec,omitempty"`
	Status        SetStatus `json:"status,omitempty"`
}

// ListenerSpec is the specification of an AutoscalingListener.
type ListenerSpec struct {
	Connection       `json:",inline"`
	ScaleSetID       int                           `json:"runnerScaleSetId,omitempty"`
	SetNamespace     string                        `json:"autoscalingRunnerSetNamespace,omitempty"`
	SetName          string                        `json:"autoscalingRunnerSetName,omitempty"`
	RunnerSetName    string                        `json:"ephemeralRunnerSetName,omitempty"`
	MaxRunners       int                           `json:"maxRunners,omitempty"`
	MinRunners       int                           `json:"minRunners,omitempty"`
	Image            string                        `json:"image,omitempty"`
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`
	VaultConfig      map[string]any                `json:"vaultConfig,omitempty"`
	Metrics          map[string]any                `json:"metrics,omitempty"`
	Template         *corev1.PodTemplateSpec       `json:"template,omitempty"`
	ConfigMeta       *Meta                         `json:"configSecretMetadata,omitempty"`
	AccountMeta      *Meta                         `json:"serviceAccountMetadata,omitempty"`
	RoleMeta         *Meta                         `json:"roleMetadata,omitempty"`
	RoleBindingMeta  *Meta                         `json:"roleBindingMetadata,omitempty"`
}

// Listener is an AutoscalingListener.
type Listener struct {
	v1.TypeMeta   `json:",inline"`
	v1.ObjectMeta `json:"metadata,omitempty"`
	Spec          ListenerSpec `json:"spec,omitempty"`
}

// RunnerSpec is the specification of an EphemeralRunner: a pod template, and what it needs to register.
type RunnerSpec struct {
	Connection     `json:",inline"`
	ScaleSetID     int            `json:"runnerScaleSetId,omitempty"`
	ProxySecretRef string         `json:"proxySecretRef,omitempty"`
	VaultConfig    map[string]any `json:"vaultConfig,omitempty"`
	ConfigMeta     *Meta          `json:"ephemeralRunnerConfigSecretMetadata,omitempty"`
	// The template's metadata and spec stand beside the other fields.
	PodTemplate `json:",inline"`
}

// PodTemplate is a template whose metadata are no object's own.
type PodTemplate struct {
	Metadata v1.ObjectMeta  `json:"metadata,omitempty"`
	Pod      corev1.PodSpec `json:"spec,omitempty"`
}

// RunnerSetSpec is the specification of an EphemeralRunnerSet; the listener patches the first two.
type RunnerSetSpec struct {
	Replicas   int        `json:"replicas,omitempty"`
	PatchID    int        `json:"patchID"`
	RunnerSpec RunnerSpec `json:"ephemeralRunnerSpec,omitempty"`
	RunnerMeta *Meta      `json:"ephemeralRunnerMetadata,omitempty"`
}

// RunnerSetStatus is the status of an EphemeralRunnerSet.
type RunnerSetStatus struct {
	Current int    `json:"currentReplicas"`
	Pending int    `json:"pendingEphemeralRunners"`
	Running int    `json:"runningEphemeralRunners"`
	Failed  int    `json:"failedEphemeralRunners"`
	Phase   string `json:"phase,omitempty"`
}

// RunnerSet is an EphemeralRunnerSet.
type RunnerSet struct {
	v1.TypeMeta   `json:",inline"`
	v1.ObjectMeta `json:"metadata,omitempty"`
	Spec          RunnerSetSpec   `json:"spec,omitempty"`
	Status        RunnerSetStatus `json:"status,omitempty"`
}

// RunnerStatus is the status of an EphemeralRunner; the listener writes the job's fields.
type RunnerStatus struct {
	Ready         bool               `json:"ready"`
	Phase         string             `json:"phase,omitempty"`
	Reason        string             `json:"reason,omitempty"`
	Message       string             `json:"message,omitempty"`
	RunnerID      int                `json:"runnerId,omitempty"`
	RunnerName    string             `json:"runnerName,omitempty"`
	RunnerConfig  string             `json:"runnerJITConfig,omitempty"`
	Failures      map[string]v1.Time `json:"failures,omitempty"`
	JobRequestID  int64              `json:"jobRequestId,omitempty"`
	JobID         string             `json:"jobId,omitempty"`
	JobRepository string             `json:"jobRepositoryName,omitempty"`
	JobWorkflow   string             `json:"jobWorkflowRef,omitempty"`
	WorkflowRunID int64              `json:"workflowRunId,omitempty"`
	JobName       string             `json:"jobDisplayName,omitempty"`
}

// Runner is an EphemeralRunner.
type Runner struct {
	v1.TypeMeta   `json:",inline"`
	v1.ObjectMeta `json:"metadata,omitempty"`
	Spec          RunnerSpec   `json:"spec,omitempty"`
	Status        RunnerStatus `json:"status,omitempty"`
}

// Phases.
const (
	pending   = "Pending"
	running   = "Running"
	succeeded = "Succeeded"
	failed    = "Failed"
	outdated  = "Outdated"
)

func (runner *Runner) isDone() bool {
	return runner.Status.Phase == succeeded || runner.Status.Phase == failed || runner.Status.Phase == outdated
}

func (runner *Runner) hasJob() bool {
	return runner.Status.JobRequestID > 0 || runner.Status.JobID != ""
}
