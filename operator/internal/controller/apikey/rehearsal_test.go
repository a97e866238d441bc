package apikey

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// rehearsed is what was written as a rehearsal.
type rehearsed struct {
	Cluster

	ledger LedgerRecord
	target TargetWrite
	room   int // of a Secret, in bytes
}

var errNoRoom = errors.New("no room")

func (r *rehearsed) CreateLedger(_ context.Context, _ *Resource, l LedgerRecord, _ bool) error {
	r.ledger = l
	return nil
}

func (r *rehearsed) ApplyTarget(_ context.Context, _ *Resource, w TargetWrite, _ bool) error {
	r.target = w
	size := 0
	for _, value := range w.Data {
		size += len(value.Reveal())
	}
	if size > r.room {
		return errNoRoom
	}
	return nil
}

// P1: what has no room for the key must fail before the key is issued. So the rehearsal's key is never shorter than one that
// is to be expected: than the present one, and, where there is none, than most.
func TestRehearsalIsNotShorterThanAKey(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 700)
	for title, test := range map[string]struct {
		keys []string // of ledgers, oldest first
		want int
	}{
		"first key":                 {nil, 256},
		"present key is short":      {[]string{"bdk_live_short"}, 256},
		"present key is long":       {[]string{"bdk_live_short", long}, 700},
		"only a former key is long": {[]string{long, "bdk_live_short"}, 256},
	} {
		s := &scene{resource: &Resource{Settings: Settings{TargetKey: "api-key"}, Secret: SecretSpec{Template: map[string]string{"twice": "{{.Key}}{{.Key}}"}}}}
		for i, key := range test.keys {
			record := LedgerRecord{Sequence: i + 1, ID: key[:5], Plaintext: apiclient.NewSecret(key)}
			s.ledgers = append(s.ledgers, record)
			s.seen.Ledgers = append(s.seen.Ledgers, s.resource.ledger(record))
		}
		for room, fails := range map[int]bool{3 * test.want: false, 3*test.want - 1: true} {
			kube := &rehearsed{room: room}
			err := (&Engine{Cluster: kube}).rehearse(t.Context(), s, Mint{Sequence: len(test.keys) + 1})
			if errors.Is(err, errNoRoom) != fails {
				t.Errorf("%s, room for %d bytes: %v", title, room, err)
			}
			if got := len(kube.ledger.Plaintext.Reveal()); got != test.want {
				t.Errorf("%s: rehearsed with %d characters, want %d", title, got, test.want)
			}
		}
	}
}
