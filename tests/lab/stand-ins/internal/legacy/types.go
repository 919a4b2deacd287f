// Package legacy is the manager of the group actions.summerwind.dev: it turns Runners, RunnerDeployments and
// RunnerSets into pods as each release does.
package legacy

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1"

	"arc-setup/tests/lab/stand-ins/internal/github"
)

// Config is what a runner is, in every kind.
type Config struct {
	Enterprise   string `json:"enterprise,omitempty"`
	Organization string `json:"organization,omitempty"`
	Repository   string `json:"repository,omitempty"`

	Labels              []string           `json:"labels,omitempty"`
	Group               string             `json:"group,omitempty"`
	Ephemeral           *bool              `json:"ephemeral,omitempty"`
	Image               string             `json:"image,omitempty"`
	WorkDir             string             `json:"workDir,omitempty"`
	DockerdInRunner     *bool              `json:"dockerdWithinRunnerContainer,omitempty"`
	DockerEnabled       *bool              `json:"dockerEnabled,omitempty"`
	DockerMTU           *int64             `json:"dockerMTU,omitempty"`
	DockerMirror        *string            `json:"dockerRegistryMirror,omitempty"`
	DockerVarRunLimit   *resource.Quantity `json:"dockerVarRunVolumeSizeLimit,omitempty"`
	VolumeSizeLimit     *resource.Quantity `json:"volumeSizeLimit,omitempty"`
	VolumeStorageMedium *string            `json:"volumeStorageMedium,omitempty"`
	ContainerMode       string             `json:"containerMode,omitempty"`
	Credentials         *CredentialsFrom   `json:"githubAPICredentialsFrom,omitempty"`
}

// CredentialsFrom names the Secret of a login of one runner set.
type CredentialsFrom struct {
	SecretRef struct {
		Name string `json:"name"`
	} `json:"secretRef"`
}

// Scope is what the runner registers with.
func (config Config) Scope() github.Scope {
	return github.Scope{Enterprise: config.Enterprise, Organization: config.Organization, Repository: config.Repository}
}

// WorkClaim is the volume of container mode kubernetes.
type WorkClaim struct {
	StorageClassName string                              `json:"storageClassName"`
	AccessModes      []corev1.PersistentVolumeAccessMode `json:"accessModes"`
	Resources        corev1.VolumeResourceRequirements   `json:"resources"`
}

// RunnerSpec is a Config and fields of a pod.
type RunnerSpec struct {
	Config `json:",inline"`

	DockerdResources   corev1.ResourceRequirements `json:"dockerdContainerResources,omitempty"`
	DockerVolumeMounts []corev1.VolumeMount        `json:"dockerVolumeMounts,omitempty"`
	DockerEnv          []corev1.EnvVar             `json:"dockerEnv,omitempty"`
	Containers         []corev1.Container          `json:"containers,omitempty"`
	ImagePullPolicy    corev1.PullPolicy           `json:"imagePullPolicy,omitempty"`
	Env                []corev1.EnvVar             `json:"env,omitempty"`
	EnvFrom            []corev1.EnvFromSource      `json:"envFrom,omitempty"`
	Resources          corev1.ResourceRequirements `json:"resources,omitempty"`
	VolumeMounts       []corev1.VolumeMount        `json:"volumeMounts,omitempty"`
	Volumes            []corev1.Volume             `json:"volumes,omitempty"`
	InitContainers     []corev1.Container          `json:"initContainers,omitempty"`
	SidecarContainers  []corev1.Container          `json:"sidecarContainers,omitempty"`
	WorkClaim          *WorkClaim                  `json:"workVolumeClaimTemplate,omitempty"`

	NodeSelector                  map[string]string                 `json:"nodeSelector,omitempty"`
	ServiceAccountName            string                            `json:"serviceAccountName,omitempty"`
	AutomountServiceAccountToken  *bool                             `json:"automountServiceAccountToken,omitempty"`
	SecurityContext               *corev1.PodSecurityContext        `json:"securityContext,omitempty"`
	ImagePullSecrets              []corev1.LocalObjectReference     `json:"imagePullSecrets,omitempty"`
	Affinity                      *corev1.Affinity                  `json:"affinity,omitempty"`
	Tolerations                   []corev1.Toleration               `json:"tolerations,omitempty"`
	PriorityClassName             string                            `json:"priorityClassName,omitempty"`
	TerminationGracePeriodSeconds *int64                            `json:"terminationGracePeriodSeconds,omitempty"`
	EphemeralContainers           []corev1.EphemeralContainer       `json:"ephemeralContainers,omitempty"`
	HostAliases                   []corev1.HostAlias                `json:"hostAliases,omitempty"`
	TopologySpreadConstraints     []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`
	RuntimeClassName              *string                           `json:"runtimeClassName,omitempty"`
	EnableServiceLinks            *bool                             `json:"enableServiceLinks,omitempty"`
	DNSPolicy                     corev1.DNSPolicy                  `json:"dnsPolicy,omitempty"`
	DNSConfig                     *corev1.PodDNSConfig              `json:"dnsConfig,omitempty"`
}

// Registration is the token that a runner's pod starts with; whoever may read Runners can read it.
type Registration struct {
	Enterprise   string   `json:"enterprise,omitempty"`
	Organization string   `json:"organization,omitempty"`
	Repository   string   `json:"repository,omitempty"`
	Labels       []string `json:"labels,omitempty"`
	Token        string   `json:"token"`
	ExpiresAt    v1.Time  `json:"expiresAt"`
}

// RunnerStatus says how a runner's pod is.
type RunnerStatus struct {
	Registration Registration `json:"registration"`
	Phase        string       `json:"phase,omitempty"`
	Ready        bool         `json:"ready,omitempty"`
	Reason       string       `json:"reason,omitempty"`
	Message      string       `json:"message,omitempty"`
}

// Runner is one pod.
type Runner struct {
	v1.TypeMeta   `json:",inline"`
	v1.ObjectMeta `json:"metadata,omitempty"`
	Spec          RunnerSpec   `json:"spec,omitempty"`
	Status        RunnerStatus `json:"status,omitempty"`
}

// Template is what Runners are made from.
type Template struct {
	v1.ObjectMeta `json:"metadata,omitempty"`
	Spec          RunnerSpec `json:"spec,omitempty"`
}

// ReplicaSpec is the specification of a RunnerReplicaSet and of a RunnerDeployment.
type ReplicaSpec struct {
	Replicas      *int              `json:"replicas,omitempty"`
	EffectiveTime *v1.Time          `json:"effectiveTime,omitempty"`
	Selector      *v1.LabelSelector `json:"selector,omitempty"`
	Template      Template          `json:"template"`
}

// ReplicaStatus counts Runners. The first releases know the first two only, and always write them.
type ReplicaStatus struct {
	Available int  `json:"availableReplicas"`
	Ready     int  `json:"readyReplicas"`
	Updated   *int `json:"updatedReplicas,omitempty"`
	Desired   *int `json:"desiredReplicas,omitempty"`
	Replicas  *int `json:"replicas,omitempty"`
}

// ReplicaSet is a RunnerReplicaSet, and a RunnerDeployment, which has the same fields.
type ReplicaSet struct {
	v1.TypeMeta   `json:",inline"`
	v1.ObjectMeta `json:"metadata,omitempty"`
	Spec          ReplicaSpec   `json:"spec,omitempty"`
	Status        ReplicaStatus `json:"status,omitempty"`
}
