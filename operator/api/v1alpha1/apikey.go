package v1alpha1

import "time"

// What the schema sets where a manifest is silent. The methods below fall back to them for objects that never passed
// through an API server.
const (
	// DefaultConnectionName is connectionRef.name.
	DefaultConnectionName = "default"
	// DefaultSecretKey is secret.key.
	DefaultSecretKey = "api-key"
	// DefaultSecretType is secret.type.
	DefaultSecretType = "Opaque"
	// DefaultOverlap is rotation.overlap.
	DefaultOverlap = 24 * time.Hour
	// DefaultTimeZone is rotation.window.timeZone.
	DefaultTimeZone = "UTC"
)

// PreviousKeyPrefix and secret.key make the entry that holds the old key while publishPrevious is set.
const PreviousKeyPrefix = "previous-"

// DisplayName is the key's name at the API before the marker: spec.displayName, or <namespace>/<name>.
func (a *ApiKey) DisplayName() string {
	if a.Spec.DisplayName != "" {
		return a.Spec.DisplayName
	}
	return a.Namespace + "/" + a.Name
}

// SecretName is the name of the target Secret: spec.secret.name, or the ApiKey's.
func (a *ApiKey) SecretName() string {
	if a.Spec.Secret.Name != "" {
		return a.Spec.Secret.Name
	}
	return a.Name
}

// ConnectionKey tells the kind, namespace and name of the connection. The namespace is empty for a ClusterConnection.
func (a *ApiKey) ConnectionKey() (kind, namespace, name string) {
	kind, namespace, name = KindConnection, a.Namespace, a.Spec.ConnectionRef.Name
	if name == "" {
		name = DefaultConnectionName
	}
	if a.Spec.ConnectionRef.Kind == KindClusterConnection {
		kind, namespace = KindClusterConnection, ""
	}
	return kind, namespace, name
}

// RotateRequest is the rotation that annotations ask for and that is not acknowledged yet: its token, and the overlap
// as written, empty if none is. No request gives an empty token.
func (a *ApiKey) RotateRequest() (token, overlap string) {
	token = a.Annotations[AnnotationRotateRequestedAt]
	if token == "" || token == a.Status.LastHandledRotateAt {
		return "", ""
	}
	return token, a.Annotations[AnnotationRotateOverlap]
}

// EntryName is the entry of the target Secret that holds the plaintext.
func (s *SecretTarget) EntryName() string {
	if s.Key != "" {
		return s.Key
	}
	return DefaultSecretKey
}

// PreviousEntryName is the entry of the target Secret that holds the old key while publishPrevious is set.
func (s *SecretTarget) PreviousEntryName() string { return PreviousKeyPrefix + s.EntryName() }

// SecretType is the type of the target Secret.
func (s *SecretTarget) SecretType() string {
	if s.Type != "" {
		return s.Type
	}
	return DefaultSecretType
}

// IntervalDuration is the age at which the key is replaced. It is zero, which means never, for an interval that the
// schema would have refused.
func (r *Rotation) IntervalDuration() time.Duration { return r.Interval.Or(0) }

// OverlapDuration is how long a replaced key stays valid.
func (r *Rotation) OverlapDuration() time.Duration { return r.Overlap.Or(DefaultOverlap) }

// Location is the name of the schedule's time zone.
func (w *RotationWindow) Location() string {
	if w.TimeZone != "" {
		return w.TimeZone
	}
	return DefaultTimeZone
}
