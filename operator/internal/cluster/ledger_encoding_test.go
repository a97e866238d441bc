package cluster

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// reader is an ApiKey as far as ledgers are concerned.
func reader() *apikey.Resource {
	r := &apikey.Resource{}
	r.Namespace, r.Name, r.UID = "shop", "reader", "4384047e-7e59-4012-86a1-d5a0f4eee5d3"
	return r
}

// P1: everything that a ledger records comes back as it was, whatever is in it.
func TestLedgerRoundTrip(t *testing.T) {
	t.Parallel()
	r := reader()
	full := ledger(r, 7)
	full.Adopted = "key_0"
	tombstone := apikey.LedgerRecord{
		Name: apikey.LedgerName(r.Name, r.UID, 8), OwnerUID: r.UID, Sequence: 8, IssuedAt: now, Cause: apikey.CauseScheduled, Connection: "Connection/shop/default/1",
	}
	longName := reader()
	longName.Name = strings.Repeat("a", 253)
	odd := ledger(longName, 1<<30)
	odd.Token, odd.Overlap, odd.Last4 = " \x00\xff日本\n", 0, "\"{}"
	odd.IssuedAt = time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.FixedZone("", 3600))
	for name, c := range map[string]struct {
		r *apikey.Resource
		l apikey.LedgerRecord
	}{"full": {r, full}, "tombstone": {r, tombstone}, "odd": {longName, odd}, "plain": {r, ledger(r, 1)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stored(t, encode(c.r, c.l))
			got, err := decode(s)
			want := c.l
			want.UID, want.Namespace = "uid-of-the-secret", "shop"
			if err != nil || !same(got, want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
}

// stored is the Secret after its way through an API server's JSON.
func stored(t *testing.T, s *corev1.Secret) *corev1.Secret {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back corev1.Secret
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	back.UID = "uid-of-the-secret"
	return &back
}

func TestDamagedLedgers(t *testing.T) {
	t.Parallel()
	set := func(entry, value string) func(*corev1.Secret) {
		return func(s *corev1.Secret) { s.Data[entry] = []byte(value) }
	}
	for name, damage := range map[string]func(*corev1.Secret){
		"another type":          func(s *corev1.Secret) { s.Type = corev1.SecretTypeOpaque },
		"not immutable":         func(s *corev1.Secret) { s.Immutable = nil },
		"immutable: false":      func(s *corev1.Secret) { s.Immutable = ptr.To(false) },
		"no data":               func(s *corev1.Secret) { s.Data = nil },
		"another name":          func(s *corev1.Secret) { s.Name += "0" },
		"a copy":                func(s *corev1.Secret) { s.Name = "copy-of-" + s.Name },
		"another ApiKey's name": set(entryApiKeyName, "other"),
		"another uid":           set(entryApiKeyUID, "other"),
		"another sequence":      set(entrySequence, "2"),
		"sequence 0":            set(entrySequence, "0"),
		"negative sequence":     set(entrySequence, "-1"),
		"sequence overflows":    set(entrySequence, "99999999999999999999"),
		"sequence is a word":    set(entrySequence, plaintext),
		"format to come":        set(entryFormat, "2"),
		"no time":               set(entryIssuedAt, ""),
		"time is a word":        set(entryIssuedAt, plaintext),
		"time 0":                set(entryIssuedAt, "0001-01-01T00:00:00Z"),
		"overlap is a word":     set(entryOverlap, plaintext),
		"negative overlap":      set(entryOverlap, "-1s"),
		"no cause":              set(entryCause, ""),
		"no plaintext":          set(entryPlaintext, ""),
		"no id":                 set(entryKeyID, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stored(t, encode(reader(), ledger(reader(), 1)))
			damage(s)
			got, err := decode(s)
			var damaged *DamagedLedgerError
			if !errors.As(err, &damaged) || !errors.Is(err, apikey.ErrLedgerDamaged) || damaged.Name != s.Name || damaged.Why == "" {
				t.Errorf("got %+v, %v", got, err)
			}
			if quotesAny(err.Error(), []apiclient.Secret{apiclient.NewSecret(plaintext)}) {
				t.Errorf("the error quotes the key: %v", err)
			}
		})
	}
}

// Every damage that can befall one entry is found, or changes nothing but the one field that it tells.
func TestDamageOfEachByte(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	r := reader()
	want := ledger(r, 3)
	for range 5000 {
		s := stored(t, encode(r, want))
		for entry, value := range s.Data {
			if rng.IntN(4) == 0 {
				value[rng.IntN(len(value))] ^= byte(1 << rng.IntN(8))
				s.Data[entry] = value
			}
		}
		got, err := decode(s)
		if err == nil && (got.Sequence != want.Sequence || got.OwnerUID != want.OwnerUID || got.Name != want.Name) {
			t.Fatalf("damage makes it another ledger: %+v", got)
		}
	}
}

// Whatever the data is, decode neither panics nor quotes it, and what it accepts can be written and read again.
func FuzzDecodeLedger(f *testing.F) {
	for _, l := range []apikey.LedgerRecord{ledger(reader(), 1), ledger(reader(), 12)} {
		s := encode(reader(), l)
		text, err := json.Marshal(s.Data)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s.Name, text)
	}
	f.Add("x", []byte(`{"format":"MQ==","apikey-uid":"eA==","sequence":"Kw==","overlap":"MW4="}`))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		s := &corev1.Secret{Type: v1alpha1.SecretTypeLedger, Immutable: ptr.To(true)}
		s.Name = name
		if json.Unmarshal(data, &s.Data) != nil {
			return
		}
		l, err := decode(s)
		if err != nil {
			if held := string(s.Data[entryPlaintext]); len(held) > 20 && strings.Contains(err.Error(), held) {
				t.Errorf("the error quotes the key: %v", err)
			}
			return
		}
		owner := &apikey.Resource{}
		owner.Name, owner.UID = string(s.Data[entryApiKeyName]), l.OwnerUID
		again, err := decode(encode(owner, l))
		if err != nil || !same(again, l) {
			t.Errorf("%+v becomes %+v, %v", l, again, err)
		}
	})
}
