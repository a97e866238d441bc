package v1alpha1

// Annotations that people set, and that the operator acknowledges in status.
const (
	// AnnotationRotateRequestedAt on an ApiKey asks for a rotation now, once for each new value: a time by habit, but any
	// text will do. Acknowledged in status.lastHandledRotateAt. A value present at the first creation counts as handled.
	AnnotationRotateRequestedAt = GroupName + "/rotate-requested-at"
	// AnnotationRotateOverlap on an ApiKey is the overlap of every rotation that AnnotationRotateRequestedAt asks for while
	// it is there, and of no scheduled one. "0s" is the answer to a leaked key, to be removed afterwards.
	AnnotationRotateOverlap = GroupName + "/rotate-overlap"
	// AnnotationAcceptTenant on a Connection or ClusterConnection accepts, once for each new value, that base URL and token
	// now lead to another tenant, where the keys of before are unknown. Acknowledged in status.lastHandledAcceptTenant.
	AnnotationAcceptTenant = GroupName + "/accept-tenant"
)

// Annotations that the operator sets.
const (
	// AnnotationSequence on a target Secret is the sequence of the key that it holds. It goes down only when the newer key
	// is dead upstream and an older one still works.
	AnnotationSequence = GroupName + "/sequence"
	// AnnotationIssuedAt on a target Secret is when that key was asked for, by the operator's clock, as RFC 3339.
	AnnotationIssuedAt = GroupName + "/issued-at"
	// AnnotationPublishedAt on a target Secret is since when it is known to hold that key, as RFC 3339. The overlap begins
	// there. It is empty until that is known.
	AnnotationPublishedAt = GroupName + "/published-at"
	// AnnotationKeyID on a target Secret is the API's id of the key that it holds.
	AnnotationKeyID = GroupName + "/key-id"
	// AnnotationRestartPending on a target Secret is "true" until the workloads that spec.restart names have been rolled for
	// that key, and empty then.
	AnnotationRestartPending = GroupName + "/restart-pending"
	// AnnotationRetainedFor on a target Secret is the name and UID of its ApiKey, with a slash between, while deletionPolicy
	// is Retain. It then stands for an owner reference, by which a deletion in the foreground would take the Secret along.
	AnnotationRetainedFor = GroupName + "/retained-for"
	// AnnotationTokenSecret on a Connection or ClusterConnection is <namespace>/<name> of the token Secret that carries
	// FinalizerInUse because of it. A Secret that the connection no longer names is found by it.
	AnnotationTokenSecret = GroupName + "/token-secret"
)

// Labels that the operator sets.
const (
	// LabelApiKeyUID on target Secrets is the UID of their ApiKey. They are watched by it. Ledgers do not have it.
	LabelApiKeyUID = GroupName + "/apikey-uid"
	// LabelManagedBy is the usual label for who made an object, and ManagedBy its value on ours.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	ManagedBy      = "betterdata-operator"
)

// Finalizers that the operator sets, and removes once what they guard is done.
const (
	// FinalizerApiKey on an ApiKey holds it until its keys are revoked. It is set before the first call to the API.
	FinalizerApiKey = GroupName + "/revoke-keys"
	// FinalizerLedger on a ledger Secret keeps the only copy of a plaintext from the garbage collector.
	FinalizerLedger = GroupName + "/ledger"
	// FinalizerInUse on a Connection, its token Secret, or the operator's Role and RoleBinding in a namespace keeps what
	// revocations need until no ledger needs it.
	FinalizerInUse = GroupName + "/in-use"
)

// SecretTypeLedger is the type of ledger Secrets. They are found by it, because a type cannot be edited as labels can.
const SecretTypeLedger = GroupName + "/ledger"

// FieldOwner is the operator's name as a field manager in server-side apply.
const FieldOwner = ManagedBy

// RestartAnnotation is the pod template annotation that rolls a workload: <group>/<first 8 hex digits of the ApiKey's
// UID>-sequence. It holds the sequence of the key that the pods were last rolled for.
func RestartAnnotation(apiKeyUID string) string {
	return GroupName + "/" + apiKeyUID[:min(8, len(apiKeyUID))] + "-sequence"
}
