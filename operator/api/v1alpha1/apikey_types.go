package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ApiKey is one Better Data API key: created, kept in a Secret, rotated on schedule with an overlap, and revoked when
// the ApiKey is deleted.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=apikeys,singular=apikey,scope=Namespaced,shortName=bdkey,categories=betterdata
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="True while the Secret holds the newest live key"
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`,description="Why, in one word; docs/operator/conditions.md lists all"
// +kubebuilder:printcolumn:name="Stalled",type=string,JSONPath=`.status.conditions[?(@.type=="Stalled")].reason`,description="What a person must change before anything new is made; empty: nothing"
// +kubebuilder:printcolumn:name="Prefix",type=string,JSONPath=`.status.keyPrefix`,description="First characters of the key in service"
// +kubebuilder:printcolumn:name="Last4",type=string,JSONPath=`.status.last4`,description="Last four characters of the key in service"
// +kubebuilder:printcolumn:name="Key Age",type=date,JSONPath=`.status.issuedAt`,description="Age of the key in service"
// +kubebuilder:printcolumn:name="Next Rotation",type=string,JSONPath=`.status.nextRotationTime`,description="When the key is rotated next"
// +kubebuilder:printcolumn:name="Key ID",type=string,priority=1,JSONPath=`.status.keyID`,description="The API's id of the key in service"
// +kubebuilder:printcolumn:name="Secret",type=string,priority=1,JSONPath=`.status.secretName`,description="Secret that holds the key"
// +kubebuilder:printcolumn:name="Connection",type=string,priority=1,JSONPath=`.spec.connectionRef.name`,description="Connection that the key is managed through"
// +kubebuilder:printcolumn:name="Age",type=date,priority=1,JSONPath=`.metadata.creationTimestamp`,description="Age of the ApiKey"
// +kubebuilder:selectablefield:JSONPath=`.spec.connectionRef.kind`
// +kubebuilder:selectablefield:JSONPath=`.spec.connectionRef.name`
// +kubebuilder:selectablefield:JSONPath=`.status.keyID`
// +kubebuilder:validation:XValidation:rule="!self.metadata.name.matches('-bdk-[0-9]+$')",message="names that end in -bdk-<number> belong to the operator's ledger Secrets: choose another name"
type ApiKey struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's metadata. The name is also the default name of the Secret.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the key should be.
	// +required
	Spec ApiKeySpec `json:"spec,omitzero"`
	// status is what the operator last saw and did. It is a cache: wiping it mints and revokes nothing.
	// +optional
	Status ApiKeyStatus `json:"status,omitzero"`
}

// ApiKeyList is a list of ApiKeys.
//
// +kubebuilder:object:root=true
type ApiKeyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ApiKey `json:"items"`
}

// ApiKeySpec is what a key should be.
type ApiKeySpec struct {
	// connectionRef names the Connection or ClusterConnection that the key is managed through: by default the Connection
	// "default" in the same namespace. It cannot be changed, because another connection may lead to another tenant, where
	// this key is unknown.
	// +optional
	// +kubebuilder:default={}
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="connectionRef cannot be changed: create another ApiKey with the new connection, move its consumers, then delete this one"
	ConnectionRef ConnectionReference `json:"connectionRef,omitzero"`

	// displayName is the key's name at Better Data, before the operator's marker. Default: <namespace>/<name>. A change
	// renames the key and rotates nothing. It is shortened with a hash where name and marker would exceed 100 characters.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="!self.contains('[k8s:') && !self.contains('[tf:')",message="displayName must not contain \"[k8s:\" or \"[tf:\": these begin the markers that tell who made a key"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^\\\\s\\\\p{Cc}]([^\\\\p{Cc}]*[^\\\\s\\\\p{Cc}])?$')",message="displayName must not begin or end with a space or contain control characters: remove them"
	DisplayName string `json:"displayName,omitempty"`

	// scopes is what the key may do, for example inventory:read, inventory:* or *. A change alters the key in place and
	// rotates nothing. Unknown scopes are sent as they are.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[^\\\\s\\\\p{Cc},]+$')",message="a scope holds no spaces, commas or control characters, as in inventory:read: make each scope an item of its own"
	Scopes []string `json:"scopes,omitempty"`

	// rotation says when the key is replaced. Without it the key is replaced only when that is asked for with the annotation
	// betterdata.co/rotate-requested-at, or when the key is found revoked or expired. Removing it rotates nothing.
	// +optional
	Rotation *Rotation `json:"rotation,omitempty"`

	// secret says where and how the key is published.
	// +optional
	// +kubebuilder:default={}
	Secret SecretTarget `json:"secret,omitzero"`

	// restart lists workloads in this namespace that are rolled when a newer key is published. The old key is then also kept
	// until they have rolled out, at most a day beyond the overlap.
	// +optional
	// +listType=map
	// +listMapKey=kind
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Restart []RestartTarget `json:"restart,omitempty"`

	// deletionPolicy says what deleting the ApiKey does: Revoke revokes its keys and removes the Secret; Retain leaves the
	// key in service and the Secret in place, both no longer managed. It can still be changed while the ApiKey is being deleted.
	// +optional
	// +kubebuilder:default=Revoke
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// onRevoked says what happens when the key is found revoked, expired or absent at Better Data: Reissue makes a new one,
	// Hold waits for a person, who releases it with the annotation betterdata.co/rotate-requested-at.
	// +optional
	// +kubebuilder:default=Reissue
	OnRevoked RevokedPolicy `json:"onRevoked,omitempty"`

	// suspend stops new keys, changes of name and scopes, and restarts. The Secret is still kept in sync, overlaps still end,
	// and deletion still works.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// adopt takes over an existing key instead of creating one. Its plaintext is not known, so it is rotated at once and
	// lives on for the overlap. It is read only until the first key is in service, and needs allowAdoption on the connection.
	// +optional
	Adopt *Adoption `json:"adopt,omitempty"`
}

// ConnectionReference names a Connection in the ApiKey's namespace, or a ClusterConnection.
type ConnectionReference struct {
	// kind is Connection or ClusterConnection.
	// +optional
	// +kubebuilder:default=Connection
	Kind ConnectionKind `json:"kind,omitempty"`
	// name is the name of the Connection or ClusterConnection.
	// +optional
	// +kubebuilder:default=default
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be an object's name: lower case letters, digits, hyphens and dots"
	Name string `json:"name,omitempty"`
}

// ConnectionKind is the kind that a ConnectionReference names.
// +kubebuilder:validation:Enum=Connection;ClusterConnection
type ConnectionKind string

// Rotation says when a key is replaced, and for how long the old one stays valid.
//
// +kubebuilder:validation:XValidation:rule="duration(self.overlap) < duration(self.interval)",fieldPath=".overlap",message="overlap (24h unless set) must be shorter than interval, or keys would pile up: set a shorter overlap or a longer interval"
type Rotation struct {
	// interval is the age at which the key is replaced, for example 2160h for 90 days; at least 1m. The rotation comes
	// a little earlier, by up to 5 % of the interval and one hour at most, so that many keys do not rotate at once.
	// +required
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m')",message="must be at least 1m"
	Interval Duration `json:"interval,omitempty"`

	// overlap is how long the old key stays valid after the Secret holds the new one; 0s revokes it at once.
	// +optional
	// +kubebuilder:default="24h"
	Overlap Duration `json:"overlap,omitempty"`

	// window confines rotations to times of your choice. A key that is older than the interval is rotated at once, window or not.
	// +optional
	Window *RotationWindow `json:"window,omitempty"`
}

// RotationWindow is a recurring stretch of time in which rotations may begin.
type RotationWindow struct {
	// schedule says when the window opens, as five cron fields: minute, hour, day of the month, month and weekday. Example:
	// "0 2 * * 0" is Sunday at 2.
	// +required
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^ ]+( [^ ]+){4}$')",message="must be five cron fields with one space between: minute, hour, day of the month, month and weekday, for example \"0 2 * * 0\"; @daily and the like are not known"
	// +kubebuilder:validation:XValidation:rule="self.split(' ')[0].matches('^([*]|[0-5]?[0-9](-[0-5]?[0-9])?)(/[1-9][0-9]?)?(,([*]|[0-5]?[0-9](-[0-5]?[0-9])?)(/[1-9][0-9]?)?)*$')",message="the first field is the minute, 0 to 59, *, a range such as 0-30, a step such as */15, or a list of these"
	// +kubebuilder:validation:XValidation:rule="size(self.split(' ')) < 2 || self.split(' ')[1].matches('^([*]|([01]?[0-9]|2[0-3])(-([01]?[0-9]|2[0-3]))?)(/[1-9][0-9]?)?(,([*]|([01]?[0-9]|2[0-3])(-([01]?[0-9]|2[0-3]))?)(/[1-9][0-9]?)?)*$')",message="the second field is the hour, 0 to 23, *, a range such as 2-4, a step such as */6, or a list of these"
	// +kubebuilder:validation:XValidation:rule="size(self.split(' ')) < 3 || self.split(' ')[2].matches('^([*?]|(0?[1-9]|[12][0-9]|3[01])(-(0?[1-9]|[12][0-9]|3[01]))?)(/[1-9][0-9]?)?(,([*?]|(0?[1-9]|[12][0-9]|3[01])(-(0?[1-9]|[12][0-9]|3[01]))?)(/[1-9][0-9]?)?)*$')",message="the third field is the day of the month, 1 to 31, *, a range such as 1-7, a step such as */2, or a list of these"
	// +kubebuilder:validation:XValidation:rule="size(self.split(' ')) < 4 || self.split(' ')[3].lowerAscii().matches('^([*]|(0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(-(0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))?)(/[1-9][0-9]?)?(,([*]|(0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(-(0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))?)(/[1-9][0-9]?)?)*$')",message="the fourth field is the month, 1 to 12 or jan to dec, *, a range such as 1-3, a step such as */3, or a list of these"
	// +kubebuilder:validation:XValidation:rule="size(self.split(' ')) < 5 || self.split(' ')[4].lowerAscii().matches('^([*?]|([0-6]|sun|mon|tue|wed|thu|fri|sat)(-([0-6]|sun|mon|tue|wed|thu|fri|sat))?)(/[1-9])?(,([*?]|([0-6]|sun|mon|tue|wed|thu|fri|sat)(-([0-6]|sun|mon|tue|wed|thu|fri|sat))?)(/[1-9])?)*$')",message="the fifth field is the day of the week, 0 (Sunday) to 6 or sun to sat, *, a range such as 1-5, or a list of these"
	Schedule string `json:"schedule,omitempty"`

	// timeZone is the IANA name of the schedule's time zone.
	// +optional
	// +kubebuilder:default=UTC
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$') && self.lowerAscii() != 'local'",message="must be an IANA time zone such as Europe/Berlin or UTC; Local, offsets such as +02:00 and empty names are not"
	TimeZone string `json:"timeZone,omitempty"`

	// duration is how long the window stays open, from 5m to 168h.
	// +required
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('5m') && duration(self) <= duration('168h')",message="must be from 5m to 168h"
	Duration Duration `json:"duration,omitempty"`
}

// SecretTarget is the Secret that a key is published in. Changing it mints nothing: the key is published anew from
// the operator's ledger.
//
// +kubebuilder:validation:XValidation:rule="!has(self.template) || !(self.key in self.template)",fieldPath=".template",message="template must not have an entry named as secret.key (api-key unless set), which holds the key itself: rename the entry or set another secret.key"
// +kubebuilder:validation:XValidation:rule="!has(self.template) || !has(self.publishPrevious) || !self.publishPrevious || !('previous-' + self.key in self.template)",fieldPath=".template",message="template must not have an entry named previous-<secret.key> while publishPrevious holds the old key there: rename the entry"
type SecretTarget struct {
	// name is the name of the Secret. Default: the ApiKey's name. After a change the former Secret stays in sync until the
	// overlap has passed, then it goes. A Secret that something else made is never touched.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be an object's name: lower case letters, digits, hyphens and dots"
	// +kubebuilder:validation:XValidation:rule="!self.matches('-bdk-[0-9]+$')",message="names that end in -bdk-<number> belong to the operator's ledger Secrets: choose another name"
	Name string `json:"name,omitempty"`

	// key is the entry of the Secret that holds the plaintext.
	// +optional
	// +kubebuilder:default=api-key
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$') && self != '.' && !self.startsWith('..')",message="must be a Secret's key: letters, digits, hyphens, underscores and dots, not beginning with two dots"
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('previous-')",message="must not begin with previous-, as the entry does that holds the replaced key during an overlap: choose another name"
	Key string `json:"key,omitempty"`

	// type is the type of the Secret. It cannot be changed, because Kubernetes cannot change a Secret's type in place.
	// +optional
	// +kubebuilder:default=Opaque
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="secret.type cannot be changed, as Kubernetes cannot change a Secret's type: create another ApiKey with the new type, move its consumers, then delete this one"
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('betterdata.co/') && !(self in ['kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token'])",message="this type is reserved for the operator or for Kubernetes itself: use Opaque"
	Type string `json:"type,omitempty"`

	// labels are added to the Secret.
	// +optional
	// +mapType=granular
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.contains('betterdata.co/'))",message="labels of betterdata.co are the operator's: choose another prefix"
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(self[k]) <= 63 && self[k].matches('^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$'))",message="a label's value has at most 63 letters, digits, hyphens, underscores and dots, and begins and ends with a letter or digit: use annotations for anything else"
	Labels map[string]LabelValue `json:"labels,omitempty"`

	// annotations are added to the Secret.
	// +optional
	// +mapType=granular
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.contains('betterdata.co/'))",message="annotations of betterdata.co are the operator's: choose another prefix"
	Annotations map[string]AnnotationValue `json:"annotations,omitempty"`

	// template makes further entries of the Secret. Each value is a Go template that knows .Key (the plaintext), .KeyID,
	// .KeyPrefix, .Last4, .Name, .Namespace and .BaseURL. Example: .env: "BETTERDATA_API_KEY={{ .Key }}".
	// +optional
	// +mapType=granular
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) <= 253 && k.matches('^[-._a-zA-Z0-9]+$') && k != '.' && !k.startsWith('..'))",message="an entry's name must be a Secret's key: letters, digits, hyphens, underscores and dots, not beginning with two dots"
	Template map[string]TemplateText `json:"template,omitempty"`

	// publishPrevious also keeps the old key in the Secret during the overlap, in the entry previous-<key>.
	// +optional
	PublishPrevious bool `json:"publishPrevious,omitempty"`
}

// LabelValue is the value of a label.
// +kubebuilder:validation:MaxLength=63
type LabelValue string

// AnnotationValue is the value of an annotation.
// +kubebuilder:validation:MaxLength=4096
type AnnotationValue string

// TemplateText is a Go template.
// +kubebuilder:validation:MaxLength=8192
type TemplateText string

// RestartTarget is a workload that is rolled when a newer key is published.
type RestartTarget struct {
	// kind is Deployment, StatefulSet or DaemonSet.
	// +required
	Kind WorkloadKind `json:"kind,omitempty"`
	// name is the workload's name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be an object's name: lower case letters, digits, hyphens and dots"
	Name string `json:"name,omitempty"`
}

// WorkloadKind is a kind of workload of the group apps.
// +kubebuilder:validation:Enum=Deployment;StatefulSet;DaemonSet
type WorkloadKind string

// What can be restarted.
const (
	WorkloadDeployment  WorkloadKind = "Deployment"
	WorkloadStatefulSet WorkloadKind = "StatefulSet"
	WorkloadDaemonSet   WorkloadKind = "DaemonSet"
)

// DeletionPolicy says what deleting an ApiKey does to its key.
// +kubebuilder:validation:Enum=Revoke;Retain
type DeletionPolicy string

// What deleting an ApiKey does.
const (
	// DeletionRevoke revokes every key of the ApiKey and removes its Secret.
	DeletionRevoke DeletionPolicy = "Revoke"
	// DeletionRetain leaves the newest key in service and the Secret in place.
	DeletionRetain DeletionPolicy = "Retain"
)

// RevokedPolicy says what a key that is revoked, expired or absent upstream means.
// +kubebuilder:validation:Enum=Reissue;Hold
type RevokedPolicy string

// What happens to a key that is dead upstream.
const (
	// RevokedReissue makes a new key.
	RevokedReissue RevokedPolicy = "Reissue"
	// RevokedHold makes none until a rotation is asked for.
	RevokedHold RevokedPolicy = "Hold"
)

// Adoption names an existing key to take over.
type Adoption struct {
	// keyID is the API's id of the key, for example key_123.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[!-~]+$') && !self.startsWith('bdk_')",message="must be the key's id as the list of keys shows it, such as key_123; never the key itself"
	KeyID string `json:"keyID,omitempty"`
}

// ApiKeyStatus is what the operator last saw and did. Everything in it can be rebuilt from the ledger Secrets and the
// API; nothing is decided from it.
type ApiKeyStatus struct {
	// observedGeneration is the generation of the spec that this status tells about.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions tell how the key is; docs/operator/conditions.md lists types and reasons.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// keyID is the API's id of the key in service.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	KeyID string `json:"keyID,omitempty"`

	// keyPrefix is the first characters of the key in service, as the API tells them.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	KeyPrefix string `json:"keyPrefix,omitempty"`

	// last4 is the last four characters of the key in service, as the API tells them.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	Last4 string `json:"last4,omitempty"`

	// keyName is the name that the key has at Better Data: the display name, shortened if it must be, and the marker.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	KeyName string `json:"keyName,omitempty"`

	// sequence counts the keys of this ApiKey, from 1. The target Secret shows the same number in an annotation.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Sequence int64 `json:"sequence,omitempty"`

	// issuedAt is when the key in service was made, by the operator's clock.
	// +optional
	IssuedAt *metav1.Time `json:"issuedAt,omitempty"`

	// nextRotationTime is when the key is rotated next, if spec.rotation is set.
	// +optional
	NextRotationTime *metav1.Time `json:"nextRotationTime,omitempty"`

	// lastRotationTime is when the key in service replaced another.
	// +optional
	LastRotationTime *metav1.Time `json:"lastRotationTime,omitempty"`

	// previousKeys are the keys that the one in service replaced and that still live.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	PreviousKeys []PreviousKey `json:"previousKeys,omitempty"`

	// lastHandledRotateAt is the value of the annotation betterdata.co/rotate-requested-at that was last obeyed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	LastHandledRotateAt string `json:"lastHandledRotateAt,omitempty"`

	// secretName is the name of the Secret that holds the key.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName,omitempty"`
}

// PreviousKey is a key that was replaced and is not revoked yet.
type PreviousKey struct {
	// id is the API's id of the key.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ID string `json:"id,omitempty"`
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
	// revokeAt is when the key is revoked: the end of its overlap. Absent until its successor is published.
	// +optional
	RevokeAt *metav1.Time `json:"revokeAt,omitempty"`
}
