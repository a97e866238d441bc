package apikey

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// dimension is one thing that can be observed, in all its states.
type dimension map[string]func(o *Observation)

func nothing(*Observation) {}

// dimensions multiply to all observations that the table goes through.
var dimensions = []dimension{
	{"": nothing, "deleted": deleted},
	{"": nothing, "retain": retained},
	{"": nothing, "suspended": suspended},
	{"": nothing, "terminating": terminating},
	{"": nothing, "hold": hold},
	{"": nothing, "asked": asked},
	{"": nothing, "due": func(o *Observation) {
		if len(o.Ledgers) > 0 {
			due(o)
		}
	}},
	{"": nothing, "offline": offline, "mismatch": mismatch},
	{"": nothing, "target gone": gone, "target foreign": owned(Foreign), "target unusable": owned(Unusable), "target tampered": func(o *Observation) {
		o.Target.Entries, o.Target.HoldsListed = map[string]string{"api-key": "x"}, ""
	}},
}

// keys are the states of the ApiKey's keys, applied before the dimensions.
var keys = dimension{
	"steady": nothing, "fresh": fresh, "revoked": listed("k1", apiclient.StatusRevoked), "unlisted": unlisted("k1"), "absent": absent,
	"nameless": nameless, "frozen": listed("k1", "FROZEN"), "sealed only": sealedOnly, "overlap": rotated(time.Hour),
	"overlap over": rotated(25 * time.Hour), "ledger lost": lost, "adopting": func(o *Observation) { fresh(o); adopting(o) },
	"successor dead":     func(o *Observation) { rotated(25 * time.Hour)(o); listed("k2", apiclient.StatusRevoked)(o) },
	"successor unlisted": func(o *Observation) { rotated(25 * time.Hour)(o); unlisted("k2")(o) },
	"old nameless":       func(o *Observation) { rotated(25 * time.Hour)(o); nameless(o) },
	"successor nameless": func(o *Observation) { sealedOnly(o); called("k2", "somebody's")(o) },
	"all dead": func(o *Observation) {
		rotated(25 * time.Hour)(o)
		listed("k1", apiclient.StatusRevoked)(o)
		listed("k2", apiclient.StatusExpired)(o)
	},
	"in place": inPlace, "tombstone": tombstoned(2 * time.Hour), "many": many,
	"one stray":   stray("s1", time.Minute),
	"stray due":   stray("s1", time.Hour),
	"two strays":  func(o *Observation) { fresh(o); stray("s1", time.Minute)(o); stray("s2", time.Minute)(o) },
	"in service":  func(o *Observation) { lost(o); stray("k1", time.Hour)(o) },
	"holds other": func(o *Observation) { fresh(o); holdsUnknown(time.Hour)(o) },
}

// TestDecideAll goes through every combination and checks what must hold for any action.
func TestDecideAll(t *testing.T) {
	t.Parallel()
	counts, total := map[string]int{}, 0
	combine(0, nil, func(title []string, edits []func(o *Observation)) {
		for state, first := range keys {
			o := seen(append([]func(o *Observation){first}, edits...)...)
			action := decide(o, now)
			total++
			counts[strings.Split(action.key(), "/")[0]]++
			if broken := promise(o, action); broken != "" {
				t.Errorf("%s, %s: %T %+v: %s", state, strings.Join(title, ", "), action, action, broken)
			}
		}
	})
	t.Logf("%d observations: %v", total, counts)
	if total < 10_000 {
		t.Errorf("only %d observations", total)
	}
}

func combine(from int, title []string, visit func(title []string, edits []func(o *Observation)), edits ...func(o *Observation)) {
	if from == len(dimensions) {
		visit(title, edits)
		return
	}
	for name, edit := range dimensions[from] {
		combine(from+1, append(title[:len(title):len(title)], name), visit, append(edits[:len(edits):len(edits)], edit)...)
	}
}

// promise says which promise the action breaks.
func promise(o Observation, action Action) string {
	switch a := action.(type) {
	case Mint:
		return mintPromise(o, a)
	case Revoke:
		return revokePromise(o, a)
	case Patch:
		return patchPromise(o, a)
	case Publish:
		return publishPromise(o, a)
	case DeleteLedger:
		return ledgerPromise(o, a)
	case Release:
		return releasePromise(o, a)
	}
	return ""
}

func first(broken map[string]bool) string {
	for what, is := range broken {
		if is {
			return what
		}
	}
	return ""
}

func mintPromise(o Observation, a Mint) string {
	newest, exists := o.newest()
	isDue, _ := o.Settings.Rotation.Due(newest.IssuedAt, now, o.Object.UID)
	isAsked := o.Object.RotateToken != newest.Token
	_, isLost := o.holderOfLost()
	isDead := exists && o.standing(newest) == dead
	return first(map[string]bool{
		"P4: deleted, suspended or terminating":  !o.Object.DeletedAt.IsZero() || o.Settings.Suspend || o.Object.NamespaceTerminating,
		"P3: nothing is known":                   o.Listing == nil || o.Connection.TenantMismatch,
		"P1: the target cannot take it":          o.Target.Ownership != Ours && o.Target.Ownership != Absent,
		"P4: no reason":                          exists && !isDue && !isAsked && !isDead,
		"Hold":                                   isDead && o.Settings.Hold && !isAsked,
		"P2: strays pile up":                     len(o.Strays) > 1,
		"P1: a key in service has no ledger":     isLost,
		"the sequence is taken":                  o.sequenceTaken(a.Sequence) || a.Sequence <= o.Target.Sequence,
		"a key that is not ours is rotated":      a.RotateID != "" && !o.marked(a.RotateID),
		"the present successor is not published": exists && !isDead && !o.Target.Holds(newest.Fingerprint) && !o.markerless(newest.ID),
		"adopted although there is a key":        exists && a.Adopted != "",
		"a token is left unhandled":              a.Token != o.Object.RotateToken && o.Object.RotateToken != "" && o.Object.InvalidOverlap == "",
	})
}

func revokePromise(o Observation, a Revoke) string {
	newest, _ := o.newest()
	serving, isServing := o.published()
	retiring := a.Why == WhyOverlapEnded
	at, known := o.revokeAt(serving)
	var record Ledger
	for _, l := range o.Ledgers {
		if l.ID == a.ID {
			record = l
		}
	}
	retains := !o.Object.DeletedAt.IsZero() && o.Settings.Retain
	gone := !o.Object.DeletedAt.IsZero() && !retains
	return first(map[string]bool{
		"P3: nothing is known":                 o.Listing == nil || o.Connection.TenantMismatch,
		"a key that is not ours":               !o.marked(a.ID),
		"P1: the newest key":                   !gone && a.ID == newest.ID,
		"P1: a target shows it":                !gone && (o.heldByTarget(a.ID) || record.ID != "" && o.shown(record.Fingerprint)),
		"P1: nothing newer is published":       retiring && (!isServing || serving.Sequence <= record.Sequence),
		"P1: what is published may be dead":    retiring && o.standing(serving) != live,
		"P1: the overlap runs":                 retiring && (!known || now.Before(at)),
		"P1: it is recorded":                   a.Why == WhyStray && record.ID != "",
		"retained":                             retains && (a.Why == WhyDeleted || a.ID == serving.ID),
		"P1: another process let go of it":     retains && !isServing,
		"deleted for another reason than so":   a.Why == WhyDeleted && !gone,
		"the key that is being taken over":     !gone && !retiring && o.adopting(a.ID),
		"overlap ended although it is deleted": retiring && gone && !o.Connection.OthersDepend,
	})
}

func patchPromise(o Observation, a Patch) string {
	return first(map[string]bool{
		"P3: nothing is known":      o.Listing == nil || o.Connection.TenantMismatch,
		"suspended or deleted":      o.Settings.Suspend || !o.Object.DeletedAt.IsZero(),
		"a key that is not ours":    !o.marked(a.ID) && a.ID != o.Settings.Adopt,
		"the marker is not in it":   !o.Object.Marker.In(a.Name),
		"a key that is not in use":  len(a.Scopes) == 0,
		"an adopted key loses some": a.ID == o.Settings.Adopt && len(o.keyed()) == 0 && a.Scopes[0] != o.Listing.Keys[a.ID].Scopes[0],
	})
}

func publishPromise(o Observation, a Publish) string {
	_, isLost := o.holderOfLost()
	var record Ledger
	better := false
	for _, l := range o.keyed() {
		if l.Sequence == a.Sequence {
			record = l
		}
		better = better || o.standing(l) != dead
	}
	return first(map[string]bool{
		"no ledger records it":              record.ID == "",
		"P1: dead, though another lives":    better && o.standing(record) == dead && o.Listing != nil && !o.Connection.TenantMismatch,
		"P1: over a key without a ledger":   isLost,
		"the target is not ours":            o.Target.Ownership != Ours && o.Target.Ownership != Absent,
		"a dead key beside it":              a.Previous >= a.Sequence && a.Previous > 0,
		"P1: moved while nothing is known":  o.Listing == nil && o.Target.Serves("print-k1") && record.ID != "k1",
		"a Secret in a namespace that ends": o.Object.NamespaceTerminating && a.Target.Ownership == Absent,
		"published for an ApiKey let go":    !o.Object.DeletedAt.IsZero() && !o.Connection.OthersDepend && !(o.Settings.Retain && o.standing(record) != dead),
	})
}

func ledgerPromise(o Observation, a DeleteLedger) string {
	newest, _ := o.newest()
	for _, l := range o.keyed() {
		if l.Sequence == a.Sequence && o.standing(l) != dead && l.ID != newest.ID {
			return "P2: its key lives"
		}
	}
	if a.Sequence >= newest.Sequence {
		return "the newest"
	}
	return ""
}

func releasePromise(o Observation, a Release) string {
	if a.Retain {
		return first(map[string]bool{"not asked for": !o.Settings.Retain})
	}
	for _, l := range o.keyed() {
		if o.standing(l) != dead {
			return "P2: " + l.ID + " may live"
		}
	}
	return first(map[string]bool{
		"not deleted":          o.Object.DeletedAt.IsZero(),
		"P3: nothing is known": o.Listing == nil,
		"P2: strays live":      len(o.Strays) > 0,
		"retained":             o.Settings.Retain,
		fmt.Sprint("P2: ", o.Connection.TenantMismatch, " tenant"): o.Connection.TenantMismatch,
	})
}
