package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ClusterConnection is access to one Better Data tenant for ApiKeys of many namespaces, within limits that the platform
// team sets.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=clusterconnections,singular=clusterconnection,scope=Cluster,shortName=bdcconn,categories=betterdata
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="True while the API answers and accepts the token"
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`,description="Why, in one word; docs/operator/conditions.md lists all"
// +kubebuilder:printcolumn:name="Authentication",type=string,JSONPath=`.status.authentication`,description="What the API last said about the token"
// +kubebuilder:printcolumn:name="Quota",type=string,JSONPath=`.status.quota`,description="How much of the request quota is left"
// +kubebuilder:printcolumn:name="ApiKeys",type=integer,JSONPath=`.status.apiKeys`,description="ApiKeys that use the connection"
// +kubebuilder:printcolumn:name="Max",type=integer,JSONPath=`.spec.maxKeys`,description="ApiKeys that may use the connection"
// +kubebuilder:printcolumn:name="Orphans",type=integer,JSONPath=`.status.orphanedKeys`,description="Live keys of this cluster that no ApiKey stands for"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`,description="Age of the ClusterConnection"
// +kubebuilder:printcolumn:name="Base URL",type=string,priority=1,JSONPath=`.spec.baseURL`,description="Address of the API"
// +kubebuilder:selectablefield:JSONPath=`.spec.tokenSecretRef.name`
// +kubebuilder:selectablefield:JSONPath=`.spec.tokenSecretRef.namespace`
type ClusterConnection struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is how the API is reached, by whom, and what may be done through it.
	// +required
	Spec ClusterConnectionSpec `json:"spec,omitzero"`
	// status is what the operator last saw.
	// +optional
	Status ConnectionStatus `json:"status,omitzero"`
}

// ClusterConnectionList is a list of ClusterConnections.
//
// +kubebuilder:object:root=true
type ClusterConnectionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ClusterConnection `json:"items"`
}

// ClusterConnectionSpec is how the API is reached, by whom, and what may be done through it.
//
// +kubebuilder:validation:XValidation:rule="!self.baseURL.startsWith('http://') || (has(self.allowInsecureHTTP) && self.allowInsecureHTTP) || self.baseURL.matches('^http://(localhost|127[.][0-9]+[.][0-9]+[.][0-9]+|\\\\[::1\\\\])(:[0-9]+)?(/|$)')",fieldPath=".baseURL",message="http:// would send the token unencrypted: use https://, or set allowInsecureHTTP if the network is trusted"
type ClusterConnectionSpec struct {
	// tokenSecretRef names the entry of a Secret that holds the token: a session token, or an API key with the scopes
	// admin:read and admin:write. A changed token is used at once.
	// +required
	TokenSecretRef NamespacedTokenSecretReference `json:"tokenSecretRef,omitzero"`

	// allowedNamespaces lists the namespaces whose ApiKeys may use the connection: names, beginnings such as team-*, or *
	// for all. An ApiKey that is no longer allowed keeps its key and gets no new one.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^([*]|[a-z0-9]([-a-z0-9]*[a-z0-9])?|[a-z0-9][-a-z0-9]*[*])$')",message="must be a namespace's name, a beginning followed by * such as team-*, or * for all namespaces"
	AllowedNamespaces []string `json:"allowedNamespaces,omitempty"`

	// allowedScopes limits the scopes that ApiKeys may ask for; wildcards such as inventory:* cover what they cover at
	// Better Data. Absent: any scope.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[^\\\\s\\\\p{Cc},]+$')",message="a scope holds no spaces, commas or control characters, as in inventory:read: make each scope an item of its own"
	AllowedScopes []string `json:"allowedScopes,omitempty"`

	// maxKeys is the number of ApiKeys that may use the connection, oldest first. It never stops a rotation. Absent: any number.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	MaxKeys *int32 `json:"maxKeys,omitempty"`

	ConnectionSettings `json:",inline"`
}

// NamespacedTokenSecretReference names an entry of a Secret in any namespace.
type NamespacedTokenSecretReference struct {
	// namespace is the namespace of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be a namespace's name: lower case letters, digits and hyphens"
	Namespace string `json:"namespace,omitempty"`

	TokenSecretReference `json:",inline"`
}
