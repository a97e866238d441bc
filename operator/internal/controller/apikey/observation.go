package apikey

import (
	"slices"
	"strings"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// Observation is everything that decide goes by. It holds no plaintext: keys are told apart by fingerprint.
type Observation struct {
	Object   Object
	Settings Settings

	Ledgers []Ledger // of this ApiKey, tombstones included, by sequence, oldest first
	Target  Target   // the Secret that the settings name
	Former  []Target // Secrets of ours under other names

	Listing    *Listing // nil: there is no complete listing to go by; Connection.Problem says why
	Connection ConnectionState
	Workloads  Rollout

	Strays    []Stray              // live keys of ours that no ledger records
	KnownDead map[string]bool      // ids that a listing has shown as revoked or expired: they stay so
	Absences  map[string]time.Time // by id of a ledger: when listings without it were first seen, without a break since
	Unknown   []time.Time          // creates and rotates whose outcome this process does not know, by our clock
	Patched   *PatchMemo           // the last successful PATCH of this process
	Backoff   map[string]Failure   // by Action.key: what failed lately

	LeaderSince time.Time // when this process began to act, by our clock
	Policy      Policy    // the operator's own settings
}

// Object is the ApiKey itself.
type Object struct {
	Namespace, Name, UID string
	Generation           int64 // of the spec
	Marker               apiclient.Marker
	Finalizer            bool
	DeletedAt            time.Time // zero: not being deleted
	NamespaceTerminating bool
	RotateToken          string         // annotation rotate-requested-at
	RotateOverlap        *time.Duration // annotation rotate-overlap, for whatever token is handled while it is there
	InvalidOverlap       string         // why that annotation cannot be read; empty: it can, or is not there
}

// Settings is the spec with everything resolved.
type Settings struct {
	KeyName    string // as sent upstream, with the marker
	Scopes     []string
	Rotation   Schedule
	Invalid    string // why rotation.window cannot be read; empty: it can
	TargetName string
	TargetKey  string

	PublishPrevious bool
	Retain          bool // deletionPolicy: Retain
	Hold            bool // onRevoked: Hold
	Suspend         bool
	Adopt           string // id of a key to take over; read only while there is no ledger
}

// Policy is what the operator's flags say.
type Policy struct {
	StrayGrace time.Duration // from the first sighting of a stray to its revocation
	NoVerify   bool          // a new key is published without having been tried
}

// Cause says why a key was minted.
type Cause string

// The causes, as they stand in ledgers.
const (
	CauseFirst     Cause = "First"     // there was no key
	CauseReissue   Cause = "Reissue"   // the key was revoked, expired or gone upstream
	CauseForced    Cause = "Forced"    // a new rotate token
	CauseScheduled Cause = "Scheduled" // the interval
	CauseAdopt     Cause = "Adopt"     // a key was taken over
	CauseRecovered Cause = "Recovered" // the ledger was lost and written again from the target
)

// replaces reports that the key was made in place of another, which consumers may still use.
func (c Cause) replaces() bool {
	switch c {
	case CauseReissue, CauseForced, CauseScheduled, CauseAdopt:
		return true
	case CauseFirst, CauseRecovered:
	}
	return false
}

// IsFirst reports that the key is the first of its ApiKey, also where it takes the place of one that was made by hand. It is
// above the connection's cap of mints per hour.
func (c Cause) IsFirst() bool { return c == CauseFirst || c == CauseAdopt }

// Ledger is one key version as its Secret records it. An empty ID makes it a tombstone: it occupies its name so that
// a write whose answer was lost can no longer land.
type Ledger struct {
	Sequence     int
	ID           string
	Prefix       string
	Last4        string
	Fingerprint  string    // of the plaintext
	IssuedAt     time.Time // our clock when the POST was sent
	Cause        Cause
	Token        string            // the rotate token that is handled with this key
	Overlap      time.Duration     // how long the keys it replaces live on
	Adopted      string            // id of the key that was taken over, which it replaces too
	Entries      map[string]string // what the target would hold of it: fingerprints by entry name
	RenderFailed string            // why the template cannot be rendered; empty: it can
}

// Ownership of a target Secret.
type Ownership int

// A target is Absent, Ours, Foreign (not controlled by this ApiKey), or Unusable (ours, but immutable or of another
// type, so that it cannot be written).
const (
	Absent Ownership = iota
	Ours
	Foreign
	Unusable
)

// Target is the Secret that consumers read, as a live read found it.
type Target struct {
	Name           string
	Ownership      Ownership
	UID, Version   string
	Sequence       int               // annotation; 0: none
	IssuedAt       time.Time         // annotation: our clock at the POST of the key in it
	PublishedAt    time.Time         // annotation: since when it holds that sequence, once a live read has shown it
	RestartPending bool              // annotation: workloads have yet to be restarted for that sequence
	Entries        map[string]string // fingerprints by entry name
	MetaInSync     bool              // labels and annotations are as the settings want them
	Terminating    bool              // it was deleted, and finalizers hold it
	InUse          bool              // a connection takes its token from it
	HoldsListed    string            // id of the key in it, by its ledger, or by prefix and last4 of a live marked key
	HoldsEntry     string            // the entry that holds that key
}

// Holds reports whether the Secret has the key with this fingerprint in any entry.
func (t Target) Holds(fingerprint string) bool {
	for _, held := range t.Entries {
		if held == fingerprint {
			return true
		}
	}
	return false
}

// Serves reports whether the Secret has the value with this fingerprint in an entry that consumers are to read: in any
// but the one of the previous key.
func (t Target) Serves(fingerprint string) bool {
	for entry, held := range t.Entries {
		if held == fingerprint && !strings.HasPrefix(entry, previousPrefix) {
			return true
		}
	}
	return false
}

// Listing is a complete listing of the tenant's keys, as far as it concerns this ApiKey.
type Listing struct {
	BegunAt time.Time                // by our clock
	Keys    map[string]apiclient.Key // keys that ledgers or the settings name, and those with the marker
}

// Stray is a live key with our marker that no live list of ledgers has shown since it was first seen.
type Stray struct {
	ID        string
	FirstSeen time.Time // by our clock
	Restored  bool      // not known to be younger than an hour when first seen: an etcd restore looks like this
	Aged      bool      // known to be older than that: no answer was lost lately
}

// PatchMemo is what a successful PATCH asked for.
type PatchMemo struct{ ID, Wanted string }

// Rollout is the state of the workloads that are restarted when the key changes.
type Rollout struct {
	Configured bool
	Done       bool   // all of them run with the published sequence
	Lacks      string // which of them does not, and why; empty if all do
}

func (r Rollout) lacking() string {
	if r.Lacks == "" {
		return ""
	}
	return ": " + r.Lacks
}

// ConnectionState is what the Connection allows now.
type ConnectionState struct {
	Identity       string // kind, namespace, name and UID
	Missing        bool   // there is no such Connection
	Problem        string // why there is no listing; empty: there is one
	ProblemReason  Reason
	ProblemUntil   time.Time // when that may be over; zero: nobody knows
	TenantMismatch bool      // absence from its listing proves nothing
	SuspendMinting bool
	TokenMissing   string    // why there is no token, though the last good one still lists and revokes; empty: there is one
	CapUntil       time.Time // mints are capped until then; zero: they are not, or the next is the ApiKey's first, above the cap
	QuotaUntil     time.Time // the request quota is known to be used up until then; zero: it is not
	Refused        string    // why policy does not admit this ApiKey; empty: it does
	RefusedReason  Reason    // NamespaceNotAllowed, ScopesNotAllowed or MaxKeysReached, where Refused is set
	AllowAdoption  bool
	AllowedScopes  []string // nil: all
	DropsNames     bool     // rotate was seen not to carry names over
	OthersDepend   bool     // other ApiKeys with our finalizer use a Connection whose token is our target
	TokenHeldBy    string   // fingerprint of the token
	TokenRevoked   bool     // the API refuses the token because it is revoked
}

// keyed returns the ledgers that hold a key, oldest first.
func (o Observation) keyed() []Ledger {
	var keyed []Ledger
	for _, l := range o.Ledgers {
		if l.ID != "" {
			keyed = append(keyed, l)
		}
	}
	return keyed
}

// newest returns the newest ledger that holds a key.
func (o Observation) newest() (Ledger, bool) {
	keyed := o.keyed()
	if len(keyed) == 0 {
		return Ledger{}, false
	}
	return keyed[len(keyed)-1], true
}

// nextSequence is above that of every ledger and of the target.
func (o Observation) nextSequence() int {
	last := max(o.Target.Sequence, 0)
	for _, l := range o.Ledgers {
		last = max(last, l.Sequence)
	}
	return last + 1
}

// sequenceTaken reports whether a ledger, tombstones included, has the sequence.
func (o Observation) sequenceTaken(sequence int) bool {
	return slices.ContainsFunc(o.Ledgers, func(l Ledger) bool { return l.Sequence == sequence })
}

// targets returns every Secret of ours.
func (o Observation) targets() []Target {
	return append([]Target{o.Target}, o.Former...)
}

// shown reports whether a Secret of ours has the key with this fingerprint.
func (o Observation) shown(fingerprint string) bool {
	return slices.ContainsFunc(o.targets(), func(t Target) bool { return t.Holds(fingerprint) })
}
