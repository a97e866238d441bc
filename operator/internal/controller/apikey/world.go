package apikey

import (
	"context"
	"errors"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// ErrNotFound says that the object does not exist, by a read or write that reached the API server.
var ErrNotFound = errors.New("not found")

// ErrExists says that an object of that name exists already.
var ErrExists = errors.New("exists already")

// ErrConflict says that the object is not the one, or not in the version, that the write was bound to.
var ErrConflict = errors.New("changed meanwhile")

// ErrRefused says that the API server will not carry out the write: it is invalid, forbidden, or the namespace ends.
// Nothing was written. Any other error of a write leaves open whether it was carried out, or will yet be.
var ErrRefused = errors.New("refused")

// ErrLedgerDamaged says that a ledger of an ApiKey cannot be read. Nothing is made or revoked on its word.
var ErrLedgerDamaged = errors.New("a ledger is damaged")

// ErrConnectionNotReady says that the Connection cannot be used until a person has changed something about it: its token
// is missing, its settings contradict each other. Its own conditions tell more.
var ErrConnectionNotReady = errors.New("the connection is not ready")

// BusyError says that the Connection cannot answer within the time that a worker may wait. Nothing is wrong: the
// ApiKey is to be looked at again at RetryAt, and its status stays as it is.
type BusyError struct{ RetryAt time.Time }

// Error implements error.
func (e *BusyError) Error() string {
	return "the Connection is busy until " + e.RetryAt.UTC().Format(time.RFC3339)
}

// Ref names an ApiKey.
type Ref struct{ Namespace, Name string }

// Read says where a read may be answered from.
type Read bool

// Cached reads may be stale; Live ones reflect every write that was acknowledged before.
const (
	Cached Read = false
	Live   Read = true
)

// Cluster is what is needed of Kubernetes. Errors are the ones above, wrapped, or unclear.
type Cluster interface {
	Resource(ctx context.Context, ref Ref, read Read) (*Resource, error)
	AddFinalizer(ctx context.Context, r *Resource) error
	RemoveFinalizer(ctx context.Context, r *Resource) error

	// Ledgers lists the ledgers that record the ApiKey's uid in their data, whatever their labels say. With
	// ErrLedgerDamaged it returns all of them too, damaged ones as tombstones, so that a deleted ApiKey can let them go.
	Ledgers(ctx context.Context, r *Resource, read Read) ([]LedgerRecord, error)
	// Known lists, from the cache, every key that ledgers record as issued through the Connection.
	Known(ctx context.Context, connection string) ([]Known, error)
	// Ledger reads live, by name.
	Ledger(ctx context.Context, ref Ref, name string) (LedgerRecord, error)
	// CreateLedger writes everything in one immutable object, with our finalizer.
	CreateLedger(ctx context.Context, r *Resource, l LedgerRecord, dryRun bool) error
	// DeleteLedger removes finalizer and object, bound to the record's uid. A ledger that is gone is no error.
	DeleteLedger(ctx context.Context, l LedgerRecord) error

	// Targets returns the Secret that the settings name, whoever it belongs to, and all others of this ApiKey. A name
	// without a Secret gives no record.
	Targets(ctx context.Context, r *Resource, read Read) ([]TargetRecord, error)
	// ApplyTarget applies w by server-side apply: without force if w.UID is empty (the Secret did not exist), else
	// bound to uid and version.
	ApplyTarget(ctx context.Context, r *Resource, w TargetWrite, dryRun bool) error
	// DetachTarget takes our owner reference, labels and annotations from the Secret and leaves its data.
	DetachTarget(ctx context.Context, r *Resource, t TargetRecord) error
	DeleteTarget(ctx context.Context, r *Resource, name, uid, version string) error

	// Rollout tells whether the workloads run with the sequence.
	Rollout(ctx context.Context, r *Resource, sequence int) (Rollout, error)
	// Restart raises the workloads' annotation to the sequence.
	Restart(ctx context.Context, r *Resource, sequence int) error
}

// Resource is an ApiKey with its settings resolved.
type Resource struct {
	Object
	Settings      Settings
	Secret        SecretSpec
	Workloads     []Workload // to be restarted when the key changes
	ConnectionRef string
	BaseURL       string // of the Connection, for templates
	Version       string // resourceVersion
}

// Ref names the ApiKey.
func (r *Resource) Ref() Ref { return Ref{r.Namespace, r.Name} }

// SecretSpec is how the target is to look beside its key.
type SecretSpec struct {
	Type                string
	Labels, Annotations map[string]string
	Template            map[string]string // entry name to text/template
}

// Workload names a Deployment, StatefulSet or DaemonSet in the ApiKey's namespace.
type Workload struct{ Kind, Name string }

// LedgerRecord is a ledger as stored.
type LedgerRecord struct {
	Name, UID     string
	Namespace     string
	OwnerUID      string // of the ApiKey, in the data
	Sequence      int
	ID            string // empty: a tombstone
	Prefix, Last4 string
	Plaintext     apiclient.Secret
	IssuedAt      time.Time
	Cause         Cause
	Token         string
	Overlap       time.Duration
	Adopted       string
	Connection    string // identity of the Connection it was minted through
	Credential    string // fingerprint of the token it was minted with: it tells whose listing must show it
}

// Known is a key that a ledger records.
type Known struct {
	ID         string
	Namespace  string // of the ledger and its ApiKey
	OwnerUID   string // of the ApiKey
	First      bool   // it is its ApiKey's first: it does not count for the hourly cap
	IssuedAt   time.Time
	Credential string
}

// TargetRecord is a Secret as stored.
type TargetRecord struct {
	Name, UID, Version  string
	Controlled          bool // our ApiKey is its controller
	Immutable           bool
	Type                string
	Labels, Annotations map[string]string
	Leftovers           bool                        // it has labels or annotations of ours that the settings no longer name
	Data                map[string]apiclient.Secret // what is ours or what the settings name; entries of others are theirs
	Sequence            int
	IssuedAt            time.Time
	PublishedAt         time.Time // zero: not yet confirmed
	RestartPending      bool
	Terminating         bool // it was deleted, and finalizers hold it
	InUse               bool // it has the finalizer of a connection that takes its token from it
}

// TargetWrite is what a target is to become.
type TargetWrite struct {
	Name, UID, Version  string // UID empty: it must not exist
	Type                string
	Labels, Annotations map[string]string
	Data                map[string]apiclient.Secret
	KeyID               string
	Sequence            int
	IssuedAt            time.Time
	PublishedAt         time.Time
	RestartPending      bool
}

// Connections opens the Connection that an ApiKey names.
type Connections interface {
	// Open returns ErrNotFound if there is no such Connection, and a *BusyError while it cannot answer soon.
	Open(ctx context.Context, r *Resource) (Connection, error)
}

// Connection is what is needed of the Better Data API: one credential, one Directory. Methods named as those of
// apiclient.Client have their meaning and errors.
type Connection interface {
	State(ctx context.Context) (State, error)
	View(ctx context.Context, f apiclient.Freshness) (View, error)
	CreateKey(ctx context.Context, req apiclient.CreateKeyRequest) (*apiclient.IssuedKey, error)
	RotateKey(ctx context.Context, id string) (*apiclient.IssuedKey, error)
	UpdateKey(ctx context.Context, id string, req apiclient.UpdateKeyRequest) (*apiclient.UpdateResult, error)
	RevokeKey(ctx context.Context, id string) error
	// Verify makes one request with the key itself.
	Verify(ctx context.Context, plaintext apiclient.Secret) error
	// ReserveMint takes one key from the hourly cap. The first key of each uid is above the cap.
	ReserveMint(ctx context.Context, uid string, first bool) error
	// NamesDropped records that rotate does not carry names over.
	NamesDropped(ctx context.Context)
}

// State is a Connection's state beside its listing.
type State struct {
	ConnectionState
	PollInterval   time.Duration
	TenantAccepted bool // a person has accepted the tenant of this token
}

// View is a complete listing; *apiclient.View, and when it began.
type View interface {
	Get(id string) (apiclient.Key, bool)
	LiveWithMarker(m apiclient.Marker) []apiclient.Key
	ServerTime() time.Time
	BegunAt() time.Time // by our clock
}
