package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Connection is access to one Better Data tenant for the ApiKeys of its namespace.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=connections,singular=connection,scope=Namespaced,shortName=bdconn,categories=betterdata
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="True while the API answers and accepts the token"
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`,description="Why, in one word; docs/operator/conditions.md lists all"
// +kubebuilder:printcolumn:name="Authentication",type=string,JSONPath=`.status.authentication`,description="What the API last said about the token"
// +kubebuilder:printcolumn:name="Quota",type=string,JSONPath=`.status.quota`,description="How much of the request quota is left"
// +kubebuilder:printcolumn:name="ApiKeys",type=integer,JSONPath=`.status.apiKeys`,description="ApiKeys that use the connection"
// +kubebuilder:printcolumn:name="Orphans",type=integer,JSONPath=`.status.orphanedKeys`,description="Live keys of this cluster that no ApiKey stands for"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`,description="Age of the Connection"
// +kubebuilder:printcolumn:name="Base URL",type=string,priority=1,JSONPath=`.spec.baseURL`,description="Address of the API"
// +kubebuilder:selectablefield:JSONPath=`.spec.tokenSecretRef.name`
type Connection struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is how the API is reached and what may be done through it.
	// +required
	Spec ConnectionSpec `json:"spec,omitzero"`
	// status is what the operator last saw.
	// +optional
	Status ConnectionStatus `json:"status,omitzero"`
}

// ConnectionList is a list of Connections.
//
// +kubebuilder:object:root=true
type ConnectionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Connection `json:"items"`
}

// ConnectionSpec is how the API is reached and what may be done through it.
//
// +kubebuilder:validation:XValidation:rule="!self.baseURL.startsWith('http://') || (has(self.allowInsecureHTTP) && self.allowInsecureHTTP) || self.baseURL.matches('^http://(localhost|127[.][0-9]+[.][0-9]+[.][0-9]+|\\\\[::1\\\\])(:[0-9]+)?(/|$)')",fieldPath=".baseURL",message="http:// would send the token unencrypted: use https://, or set allowInsecureHTTP if the network is trusted"
type ConnectionSpec struct {
	// tokenSecretRef names the entry of a Secret, in the Connection's namespace, that holds the token: a session token, or
	// an API key with the scopes admin:read and admin:write. A changed token is used at once.
	// +required
	TokenSecretRef TokenSecretReference `json:"tokenSecretRef,omitzero"`

	ConnectionSettings `json:",inline"`
}

// TokenSecretReference names an entry of a Secret in the same namespace.
type TokenSecretReference struct {
	// name is the name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be an object's name: lower case letters, digits, hyphens and dots"
	Name string `json:"name,omitempty"`
	// key is the entry of the Secret that holds the token.
	// +optional
	// +kubebuilder:default=token
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$') && self != '.' && !self.startsWith('..')",message="must be a Secret's key: letters, digits, hyphens, underscores and dots, not beginning with two dots"
	Key string `json:"key,omitempty"`
}

// ConnectionSettings is what Connection and ClusterConnection have in common.
type ConnectionSettings struct {
	// baseURL is the address of the API. After a change nothing is minted or revoked until a known key is seen there.
	// +optional
	// +kubebuilder:default="https://app.betterdata.co/api"
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && self.matches('^https?://[^/@?#]+(/[^@?#]*)?$')",message="must be an http:// or https:// address without user, query or fragment, for example https://app.betterdata.co/api"
	BaseURL string `json:"baseURL,omitempty"`

	// allowInsecureHTTP allows an http:// baseURL beyond this machine. The token and every new key then travel unencrypted.
	// +optional
	AllowInsecureHTTP bool `json:"allowInsecureHTTP,omitempty"`

	// caBundle is the base64 of PEM certificates that the API's certificate is checked against, instead of the system's.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=262144
	// +kubebuilder:validation:XValidation:rule="string(self).contains('-----BEGIN CERTIFICATE-----')",message="must be the base64 of PEM certificates, each between BEGIN CERTIFICATE and END CERTIFICATE"
	CABundle []byte `json:"caBundle,omitempty"`

	// quota is the request quota that the operator keeps to. Default: what the API's answers tell. The quota is shared by
	// everything that uses the tenant, so leave room for others.
	// +optional
	Quota *Quota `json:"quota,omitempty"`

	// pollInterval is how often the tenant's keys are listed, to find drift and stray keys, from 10s to 24h. One poll costs
	// one request per 100 keys.
	// +optional
	// +kubebuilder:default="5m"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10s') && duration(self) <= duration('24h')",message="must be from 10s to 24h"
	PollInterval Duration `json:"pollInterval,omitempty"`

	// verify says whether each new key is tried with one request before it is published, because a new key may need a moment
	// until the API knows it.
	// +optional
	// +kubebuilder:default=true
	Verify *bool `json:"verify,omitempty"`

	// suspendMinting stops all new keys of this connection. Publishing, revoking and deleting go on.
	// +optional
	SuspendMinting bool `json:"suspendMinting,omitempty"`

	// mintsPerHour caps the keys made in an hour, beyond the first of each ApiKey.
	// +optional
	// +kubebuilder:default=60
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	MintsPerHour int32 `json:"mintsPerHour,omitempty"`

	// allowAdoption allows ApiKeys to take over existing keys with spec.adopt.
	// +optional
	AllowAdoption bool `json:"allowAdoption,omitempty"`
}

// Quota is a request quota. A field that is not set is not limited beyond what the API tells.
//
// +kubebuilder:validation:MinProperties=1
type Quota struct {
	// requestsPerMinute is the number of requests in any minute.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	RequestsPerMinute int32 `json:"requestsPerMinute,omitempty"`
	// requestsPerHour is the number of requests in any hour.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	RequestsPerHour int32 `json:"requestsPerHour,omitempty"`
}

// ConnectionStatus is what the operator last saw through a Connection or ClusterConnection. It changes only when something
// happened: counters and times that move by themselves are metrics.
type ConnectionStatus struct {
	// observedGeneration is the generation of the spec that this status tells about.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions tell how the connection is; docs/operator/conditions.md lists types and reasons.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// authentication is what the API last said about the token.
	// +optional
	Authentication AuthenticationState `json:"authentication,omitempty"`

	// quota tells roughly how much of the request quota is left; the number is the metric betterdata_connection_quota_remaining.
	// +optional
	Quota QuotaState `json:"quota,omitempty"`

	// apiKeys is the number of ApiKeys that use this connection.
	// +optional
	// +kubebuilder:validation:Minimum=0
	APIKeys *int32 `json:"apiKeys,omitempty"`

	// liveKeys is the number of live keys in the tenant, whoever made them.
	// +optional
	// +kubebuilder:validation:Minimum=0
	LiveKeys *int32 `json:"liveKeys,omitempty"`

	// straysRevoked is the number of keys that were revoked because their plaintext never became durable.
	// +optional
	// +kubebuilder:validation:Minimum=1
	StraysRevoked int64 `json:"straysRevoked,omitempty"`

	// orphanedKeys is the number of live keys with this cluster's marker that no ApiKey stands for.
	// +optional
	// +kubebuilder:validation:Minimum=0
	OrphanedKeys *int32 `json:"orphanedKeys,omitempty"`

	// orphans are the first of the orphaned keys, sorted by id.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=20
	Orphans []OrphanedKey `json:"orphans,omitempty"`

	// orphansRevoked is the number of orphaned keys that were revoked, which needs --orphan-policy=revoke.
	// +optional
	// +kubebuilder:validation:Minimum=1
	OrphansRevoked int64 `json:"orphansRevoked,omitempty"`

	// acceptedTenant stands for the base URL and token Secret whose tenant a person accepted with the annotation
	// betterdata.co/accept-tenant. It is made from the address and from the Secret's uid and resourceVersion, never from the
	// token. While it is the one in use, keys that its listing lacks are gone.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	AcceptedTenant string `json:"acceptedTenant,omitempty"`

	// lastHandledAcceptTenant is the value of the annotation betterdata.co/accept-tenant that was last obeyed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	LastHandledAcceptTenant string `json:"lastHandledAcceptTenant,omitempty"`

	// successorMethod is how keys are replaced: Rotate by the API's rotate call, Create by a new key, once the API was seen
	// not to carry a key's name over.
	// +optional
	SuccessorMethod SuccessorMethod `json:"successorMethod,omitempty"`
}

// AuthenticationState is what the API last said about a token.
// +kubebuilder:validation:Enum=Unknown;Accepted;Rejected;Forbidden
type AuthenticationState string

// What the API says about a token.
const (
	// AuthenticationUnknown means that the API was not asked yet, or gave no answer that tells.
	AuthenticationUnknown AuthenticationState = "Unknown"
	// AuthenticationAccepted means that the last complete listing was answered.
	AuthenticationAccepted AuthenticationState = "Accepted"
	// AuthenticationRejected means 401: the token is wrong, revoked or expired.
	AuthenticationRejected AuthenticationState = "Rejected"
	// AuthenticationForbidden means 403: the token is known and may not manage keys, or not from here.
	AuthenticationForbidden AuthenticationState = "Forbidden"
)

// QuotaState tells roughly how much of a request quota is left.
// +kubebuilder:validation:Enum=Unknown;Ample;Low;Exhausted
type QuotaState string

// How much of a quota is left. Coarse on purpose: an exact number would be a write to Kubernetes for each request.
const (
	// QuotaUnknown means that the API told no quota and none is configured.
	QuotaUnknown QuotaState = "Unknown"
	// QuotaAmple means that at least a tenth is left.
	QuotaAmple QuotaState = "Ample"
	// QuotaLow means that less than a tenth is left.
	QuotaLow QuotaState = "Low"
	// QuotaExhausted means that requests wait.
	QuotaExhausted QuotaState = "Exhausted"
)

// SuccessorMethod is how a key is replaced.
// +kubebuilder:validation:Enum=Rotate;Create
type SuccessorMethod string

// How a key is replaced.
const (
	// SuccessorRotate uses the API's rotate call.
	SuccessorRotate SuccessorMethod = "Rotate"
	// SuccessorCreate makes a new key under the marked name.
	SuccessorCreate SuccessorMethod = "Create"
)

// OrphanedKey is a live key with this cluster's marker that no ApiKey stands for.
type OrphanedKey struct {
	// id is the API's id of the key.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ID string `json:"id,omitempty"`
	// name is the key's name at Better Data.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Name string `json:"name,omitempty"`
	// keyPrefix is the first characters of the key.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	KeyPrefix string `json:"keyPrefix,omitempty"`
	// last4 is the last four characters of the key.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	Last4 string `json:"last4,omitempty"`
}
