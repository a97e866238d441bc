package v1alpha1

// Types of conditions. docs/operator/conditions.md lists them and all reasons, with what to do; a test compares.
// Ready, Reconciling and Stalled follow kstatus, so that Flux, Argo CD and kubectl wait understand them.
// All but Ready and Authenticated are abnormal: they are there only while they are true.
const (
	// ConditionReady on an ApiKey is true while the target Secret holds the newest key, and that key is not known to be dead.
	// On a connection it is true while the API answers and the tenant is the known one.
	ConditionReady = "Ready"
	// ConditionReconciling is there while the operator works towards the spec, or waits for something that passes by itself.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is there while nothing moves until a person changes something.
	ConditionStalled = "Stalled"

	// ConditionMintingBlocked is there while a key is in service and no successor may be made; its reason tells why.
	ConditionMintingBlocked = "MintingBlocked"
	// ConditionScopesDiffer is there while the API keeps other scopes than it was asked for, although it accepted the change.
	ConditionScopesDiffer = "ScopesDiffer"
	// ConditionStrayFound is there while a live key with this ApiKey's marker awaits revocation that no ledger knows.
	ConditionStrayFound = "StrayFound"

	// ConditionAuthenticated on a connection is true while the API accepts the token.
	ConditionAuthenticated = "Authenticated"
	// ConditionRevocationOverdue on a connection is there while an ApiKey waits for its revocation for more than a day.
	ConditionRevocationOverdue = "RevocationOverdue"
)

// Reasons of an ApiKey that is in service.
const (
	// ReasonPublished: the Secret holds the newest key.
	ReasonPublished = "Published"
	// ReasonOverlap: the Secret holds the newest key, and the one before it lives until its overlap ends.
	ReasonOverlap = "Overlap"
	// ReasonAwaitingRollout: the same after the overlap, until the workloads of spec.restart have rolled out.
	ReasonAwaitingRollout = "AwaitingRollout"
)

// Reasons of an ApiKey that is on its way. They pass by themselves.
const (
	// ReasonMinting: the first key, or the one in place of a dead key, is being made.
	ReasonMinting = "Minting"
	// ReasonRotating: a successor is being made; the key in service stays valid.
	ReasonRotating = "Rotating"
	// ReasonVerifying: a new key is tried before it is published.
	ReasonVerifying = "Verifying"
	// ReasonPublishing: the key is durable and is being written into the Secret.
	ReasonPublishing = "Publishing"
	// ReasonWaitingForConnection: the connection does not exist, or is not ready.
	ReasonWaitingForConnection = "WaitingForConnection"
	// ReasonWaitingForQuota: the request quota is used up; the message tells until when.
	ReasonWaitingForQuota = "WaitingForQuota"
	// ReasonWaitingForListing: a complete listing younger than the last unclear outcome is awaited.
	ReasonWaitingForListing = "WaitingForListing"
	// ReasonOutcomeUnknown: an answer was lost; what it made, if anything, is being looked for, and nothing is made meanwhile.
	ReasonOutcomeUnknown = "OutcomeUnknown"
	// ReasonStrayPending: a key whose plaintext was lost must be revoked before another is made.
	ReasonStrayPending = "StrayPending"
	// ReasonTooManyPreviousKeys: five replaced keys still live, and scheduled rotation waits until one of them is revoked.
	ReasonTooManyPreviousKeys = "TooManyPreviousKeys"
	// ReasonMintLimitReached: the connection's mintsPerHour is used up.
	ReasonMintLimitReached = "MintLimitReached"
	// ReasonAPIUnavailable: the API does not answer, or gives answers that are not understood.
	ReasonAPIUnavailable = "APIUnavailable"
	// ReasonKubernetesUnavailable: a read or write of the Kubernetes API failed.
	ReasonKubernetesUnavailable = "KubernetesUnavailable"
)

// Reasons of an ApiKey that waits for a person.
const (
	// ReasonSuspended: spec.suspend is set.
	ReasonSuspended = "Suspended"
	// ReasonMintingSuspended: suspendMinting is set on the connection.
	ReasonMintingSuspended = "MintingSuspended"
	// ReasonSecretConflict: a Secret of the target's name exists that is not ours, or has another type.
	ReasonSecretConflict = "SecretConflict"
	// ReasonSecretRefused: the API server refuses the Secret that would be written, for example over a quota or a policy.
	ReasonSecretRefused = "SecretRefused"
	// ReasonInvalidTemplate: an entry of secret.template cannot be rendered.
	ReasonInvalidTemplate = "InvalidTemplate"
	// ReasonInvalidWindow: schedule or time zone of the rotation window do not exist, or the window never opens.
	ReasonInvalidWindow = "InvalidWindow"
	// ReasonInvalidRotateOverlap: the annotation betterdata.co/rotate-overlap is not a duration.
	ReasonInvalidRotateOverlap = "InvalidRotateOverlap"
	// ReasonNamespaceNotAllowed: the ClusterConnection's allowedNamespaces leave this namespace out.
	ReasonNamespaceNotAllowed = "NamespaceNotAllowed"
	// ReasonScopesNotAllowed: the ClusterConnection's allowedScopes leave a scope out.
	ReasonScopesNotAllowed = "ScopesNotAllowed"
	// ReasonMaxKeysReached: older ApiKeys use up the ClusterConnection's maxKeys.
	ReasonMaxKeysReached = "MaxKeysReached"
	// ReasonAdoptionRefused: the key to adopt does not exist, is not live, is somebody else's, or may not be adopted.
	ReasonAdoptionRefused = "AdoptionRefused"
	// ReasonRequestRefused: the API refuses what the spec asks for; the message holds its answer.
	ReasonRequestRefused = "RequestRefused"
	// ReasonKeyDead: the key was revoked or expired at the API, and onRevoked is Hold.
	ReasonKeyDead = "KeyDead"
	// ReasonTenantMismatch: base URL or token lead to a tenant that knows none of the keys; absence proves nothing there.
	ReasonTenantMismatch = "TenantMismatch"
	// ReasonLedgerDamaged: a ledger Secret cannot be read or contradicts another; nothing is made or revoked on its word.
	ReasonLedgerDamaged = "LedgerDamaged"
	// ReasonReverted: something changes back what the operator writes, or keeps what it deletes.
	ReasonReverted = "Reverted"
	// ReasonMarkerMissing: a key no longer carries this ApiKey's marker in its name, so that it is neither changed nor revoked.
	ReasonMarkerMissing = "MarkerMissing"
)

// Reasons of an ApiKey that is being deleted.
const (
	// ReasonRevoking: the keys are being revoked.
	ReasonRevoking = "Revoking"
	// ReasonRevocationPending: revoking failed and is tried again; deletionPolicy Retain lets the ApiKey go.
	ReasonRevocationPending = "RevocationPending"
	// ReasonRevocationOverdue: the same for more than a day.
	ReasonRevocationOverdue = "RevocationOverdue"
	// ReasonRetaining: key and Secret are being let go.
	ReasonRetaining = "Retaining"
	// ReasonNamespaceTerminating: the namespace is being deleted, so nothing new is made.
	ReasonNamespaceTerminating = "NamespaceTerminating"
)

// Reasons of conditions beside Ready on an ApiKey.
const (
	// ReasonNormalizedByAPI: the API changed the scopes that it was given.
	ReasonNormalizedByAPI = "NormalizedByAPI"
	// ReasonPlaintextLost: the stray's plaintext never became durable; it is revoked after the grace.
	ReasonPlaintextLost = "PlaintextLost"
	// ReasonRestoreSuspected: the stray is old, as after an etcd restore; it is revoked only after the overlap.
	ReasonRestoreSuspected = "RestoreSuspected"
)

// Reasons of a Connection or ClusterConnection, besides ReasonAPIUnavailable, ReasonTenantMismatch, ReasonWaitingForQuota
// and ReasonKubernetesUnavailable.
const (
	// ReasonConnected: the API answers and accepts the token.
	ReasonConnected = "Connected"
	// ReasonConnecting: the API was not asked yet.
	ReasonConnecting = "Connecting"
	// ReasonTokenMissing: the token Secret or its entry does not exist, or is empty.
	ReasonTokenMissing = "TokenMissing"
	// ReasonTokenRejected: the API answers 401.
	ReasonTokenRejected = "TokenRejected"
	// ReasonTokenForbidden: the API answers 403.
	ReasonTokenForbidden = "TokenForbidden"
	// ReasonInvalidSettings: the settings contradict each other in a way that the schema cannot tell, such as a CA bundle
	// without a certificate.
	ReasonInvalidSettings = "InvalidSettings"
	// ReasonInUse: the connection is being deleted and ApiKeys still need it to revoke their keys; or an ApiKey is, whose
	// key is the token of such a connection.
	ReasonInUse = "InUse"
	// ReasonKeysUnrevoked: an ApiKey waits for its revocation for more than a day.
	ReasonKeysUnrevoked = "KeysUnrevoked"
)
