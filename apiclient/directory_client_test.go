package apiclient

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// writable adds create, update, revoke and rotate to a tenant.
func (a *tenant) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		a.list(w, r)
		return
	}
	a.note(r)
	id := strings.Split(strings.TrimPrefix(r.URL.Path, basePath+"/admin/api-keys/"), "/")[0]
	switch {
	case r.Method == http.MethodPatch, strings.HasSuffix(r.URL.Path, "/revoke"):
		_, _ = w.Write([]byte(`{"success":true}`))
	case strings.HasSuffix(r.URL.Path, "/rotate"):
		writeJSON(w, map[string]any{"apiKey": map[string]any{"id": id + "_next", "name": "n", "status": "ACTIVE"}, "plaintextKey": "p"})
	default:
		_, _ = w.Write([]byte(issuedBody))
	}
}

// Reads after writes cost nothing, and show what was written.
func TestOwnWritesAreSeen(t *testing.T) {
	t.Parallel()
	api := (&tenant{}).fill(3)
	client := clientOf(t, api.serve)
	ctx := t.Context()
	mustView(t, client.Directory(), Freshness{})
	for _, err := range []error{
		func() error { _, err := client.CreateKey(ctx, CreateKeyRequest{"n", []string{"*"}}); return err }(),
		func() error {
			_, err := client.UpdateKey(ctx, "key_1", UpdateKeyRequest{"renamed", []string{"*"}})
			return err
		}(),
		client.RevokeKey(ctx, "key_2"),
		func() error { _, err := client.RotateKey(ctx, "key_3"); return err }(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	view := mustView(t, client.Directory(), Freshness{})
	renamed, _ := view.Get("key_1")
	revoked, _ := view.Get("key_2")
	old, _ := view.Get("key_3")
	_, created := view.Get("key_123")
	_, rotated := view.Get("key_3_next")
	if renamed.Name != "renamed" || renamed.Status != StatusActive || revoked.Live() || !old.Live() || !created || !rotated {
		t.Errorf("got %+v", view.Keys())
	}
	if api.count() != 5 {
		t.Errorf("%d requests", api.count())
	}
}

// P2: an unknown outcome makes no entry: it is no evidence of a key, nor of none.
func TestUnknownOutcomeMakesNoEntry(t *testing.T) {
	t.Parallel()
	api := &tenant{}
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			api.list(w, r)
			return
		}
		w.WriteHeader(http.StatusBadGateway)
	})
	mustView(t, client.Directory(), Freshness{})
	for _, issue := range issuers() {
		_, err := issue(t.Context(), client)
		mustBe(t, err, ErrOutcomeUnknown)
	}
	if view := mustView(t, client.Directory(), Freshness{}); len(view.Keys()) != 0 {
		t.Errorf("got %+v", view.Keys())
	}
}

// A hundred revokes of keys that are gone share the listings that confirm it: the first makes one, those refused
// while it was on its way share the next two.
func TestConfirmationsAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var lists recorder
		client := bubbleClient(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				lists.note(r)
				elapse(r.Context(), 30*time.Second)
				_, _ = w.Write([]byte(`{"apiKeys":[],"pagination":{"total":0}}`))
				return
			}
			w.WriteHeader(http.StatusNotFound)
		})
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if err := client.RevokeKey(t.Context(), "gone"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if lists.count() > 3 {
			t.Errorf("%d listings for 100 revokes", lists.count())
		}
	})
}

// The listing knows the API's clock by its Date header.
func TestListingServerTime(t *testing.T) {
	t.Parallel()
	ahead := time.Now().Add(24 * time.Hour)
	client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", ahead.UTC().Format(http.TimeFormat))
		_, _ = w.Write([]byte(`[]`))
	})
	if d := mustView(t, client.Directory(), Freshness{}).ServerTime().Sub(ahead).Abs(); d > time.Minute {
		t.Errorf("%s off", d)
	}
}
