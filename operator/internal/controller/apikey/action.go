package apikey

import (
	"fmt"
	"slices"
	"time"
)

// Action is one thing to do. Each is carried out by act, after which everything is observed again.
type Action interface {
	// key names the action and what it is about, for the backoff after a failure.
	key() string
}

// AddFinalizer puts our finalizer on the ApiKey, before anything is sent upstream.
type AddFinalizer struct{}

// Mint issues a key and seals it in a ledger.
type Mint struct {
	Cause    Cause
	RotateID string // rotate this id; empty: create
	Adopted  string // the id that is taken over
	Sequence int
	Token    string // handled with this key
	Overlap  time.Duration
}

// Seal writes the ledger of a key that only the target still holds.
type Seal struct {
	ID       string
	Sequence int
	Target   Target
}

// Patch sets name and scopes of a key.
type Patch struct {
	ID     string
	Name   string
	Scopes []string
}

// Publish writes a ledger's key into a target Secret.
type Publish struct {
	Sequence int
	Target   Target
	Previous int  // sequence whose key is shown as the previous one; 0: none
	Fresh    bool // consumers are moved to this key: verify it first
	Upkeep   bool // consumers have the key: labels, other entries or our own notes are put right
}

// Why is the reason a key is revoked for.
type Why string

// The reasons of revocations, for events and metrics.
const (
	WhyOverlapEnded Why = "OverlapEnded"
	WhyStray        Why = "Stray"
	WhyDeleted      Why = "Deleted"
	WhyOrphan       Why = "Orphan" // no ApiKey stands for it; the Connection's controller revokes it
)

// Revoke revokes a key upstream.
type Revoke struct {
	ID  string
	Why Why
}

// DeleteLedger removes the ledger of a dead key, or a tombstone.
type DeleteLedger struct{ Sequence int }

// DeleteTarget removes a Secret of ours whose name the settings have left.
type DeleteTarget struct{ Target Target }

// Restart rolls the workloads, for the published sequence.
type Restart struct{ Target Target }

// Release lets a deleted ApiKey go: ledgers first, then the finalizer. With Retain the targets become nobody's, and
// the marker leaves the name of the key with KeepID, which they hold, if that can be done now. The keys in Left live on too, with their marker: their overlap still
// runs, or they could not be revoked.
type Release struct {
	Retain bool
	KeepID string
	Left   []string
}

// FoundStray is no action: it is told of as one when a stray is seen for the first time.
type FoundStray struct{ ID string }

// Rest is nothing to do. Until says when to look again; zero: when something changes.
type Rest struct {
	Until time.Time
	Notes []Note
}

// Note says why something is not done now.
type Note struct {
	Reason  Reason
	Message string
	Stalled bool // only a person can change it
	Mint    bool // it keeps a key from being issued that is wanted
}

func (AddFinalizer) key() string { return "finalizer" }
func (a Mint) key() string       { return "mint" }
func (a Seal) key() string       { return "seal/" + a.ID }
func (a Patch) key() string      { return "patch/" + a.ID }
func (a Revoke) key() string     { return "revoke/" + a.ID }

// An upkeep that fails, because somebody changes it back, must not hold back a key that consumers lack.
func (a Publish) key() string {
	if a.Upkeep {
		return "upkeep/" + a.Target.Name
	}
	return "publish/" + a.Target.Name
}
func (a DeleteLedger) key() string { return fmt.Sprintf("ledger/%d", a.Sequence) }
func (a DeleteTarget) key() string { return "target/" + a.Target.Name }
func (a Restart) key() string      { return "restart" }
func (a Release) key() string      { return fmt.Sprintf("release/%t", a.Retain) }
func (FoundStray) key() string     { return "" }
func (Rest) key() string           { return "" }

// waits is a Rest with one note.
func waits(until time.Time, reason Reason, format string, args ...any) Rest {
	return Rest{Until: until, Notes: []Note{{Reason: reason, Message: fmt.Sprintf(format, args...)}}}
}

// stalls is a Rest that only a person can end.
func stalls(reason Reason, format string, args ...any) Rest {
	return Rest{Notes: []Note{{Reason: reason, Message: fmt.Sprintf(format, args...), Stalled: true}}}
}

// keepingMint marks what the notes say as the cause that a wanted key is not issued.
func (r Rest) keepingMint() Rest {
	r.Notes = slices.Clone(r.Notes)
	for i := range r.Notes {
		r.Notes[i].Mint = true
	}
	return r
}

// and joins two Rests: the earlier time, and all notes, each of them once.
func (r Rest) and(other Rest) Rest {
	notes := slices.Clone(r.Notes)
	for _, note := range other.Notes {
		if !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
	}
	return Rest{Until: earlier(r.Until, other.Until), Notes: notes}
}

// orSay adds a Rest of one note, unless its reason is given already.
func (r Rest) orSay(other Rest) Rest {
	if r.Has(other.Notes[0].Reason) {
		return r
	}
	return r.and(other)
}

// Has reports whether a note gives the reason.
func (r Rest) Has(reason Reason) bool {
	return slices.ContainsFunc(r.Notes, func(n Note) bool { return n.Reason == reason })
}

// earlier returns the earlier of two times, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
