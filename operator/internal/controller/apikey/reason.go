package apikey

import "github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"

// Reason is the reason of a condition. docs/operator/conditions.md tells what each means, and what to do.
type Reason string

// Reasons that Notes and failures give: what decide cannot or must not do now, and what act failed at.
const (
	AdoptionRefused       Reason = v1alpha1.ReasonAdoptionRefused
	APIUnavailable        Reason = v1alpha1.ReasonAPIUnavailable
	AwaitingRollout       Reason = v1alpha1.ReasonAwaitingRollout
	InUse                 Reason = v1alpha1.ReasonInUse
	InvalidRotateOverlap  Reason = v1alpha1.ReasonInvalidRotateOverlap
	InvalidTemplate       Reason = v1alpha1.ReasonInvalidTemplate
	InvalidWindow         Reason = v1alpha1.ReasonInvalidWindow
	KeyDead               Reason = v1alpha1.ReasonKeyDead
	KubernetesUnavailable Reason = v1alpha1.ReasonKubernetesUnavailable
	LedgerDamaged         Reason = v1alpha1.ReasonLedgerDamaged
	MarkerMissing         Reason = v1alpha1.ReasonMarkerMissing
	MaxKeysReached        Reason = v1alpha1.ReasonMaxKeysReached
	MintingSuspended      Reason = v1alpha1.ReasonMintingSuspended
	MintLimitReached      Reason = v1alpha1.ReasonMintLimitReached
	NamespaceNotAllowed   Reason = v1alpha1.ReasonNamespaceNotAllowed
	NamespaceTerminating  Reason = v1alpha1.ReasonNamespaceTerminating
	NormalizedByAPI       Reason = v1alpha1.ReasonNormalizedByAPI
	OutcomeUnknown        Reason = v1alpha1.ReasonOutcomeUnknown
	Overlap               Reason = v1alpha1.ReasonOverlap
	PlaintextLost         Reason = v1alpha1.ReasonPlaintextLost
	RequestRefused        Reason = v1alpha1.ReasonRequestRefused
	RestoreSuspected      Reason = v1alpha1.ReasonRestoreSuspected
	Reverted              Reason = v1alpha1.ReasonReverted
	RevocationOverdue     Reason = v1alpha1.ReasonRevocationOverdue
	RevocationPending     Reason = v1alpha1.ReasonRevocationPending
	Revoking              Reason = v1alpha1.ReasonRevoking
	Rotating              Reason = v1alpha1.ReasonRotating
	ScopesNotAllowed      Reason = v1alpha1.ReasonScopesNotAllowed
	SecretConflict        Reason = v1alpha1.ReasonSecretConflict
	SecretRefused         Reason = v1alpha1.ReasonSecretRefused
	StrayPending          Reason = v1alpha1.ReasonStrayPending
	Suspended             Reason = v1alpha1.ReasonSuspended
	TenantMismatch        Reason = v1alpha1.ReasonTenantMismatch
	TooManyPreviousKeys   Reason = v1alpha1.ReasonTooManyPreviousKeys
	Verifying             Reason = v1alpha1.ReasonVerifying
	WaitingForConnection  Reason = v1alpha1.ReasonWaitingForConnection
	WaitingForListing     Reason = v1alpha1.ReasonWaitingForListing
	WaitingForQuota       Reason = v1alpha1.ReasonWaitingForQuota
)

// Reasons of the condition Ready that follow from what is observed, where no Note says more.
const (
	Minting    Reason = v1alpha1.ReasonMinting
	Published  Reason = v1alpha1.ReasonPublished
	Publishing Reason = v1alpha1.ReasonPublishing
	Retaining  Reason = v1alpha1.ReasonRetaining
)
