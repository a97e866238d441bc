package sandbox_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

func TestStoreKeepsEverythingThatCounts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandbox.db")
	opts := func() []sandbox.Option {
		return []sandbox.Option{sandbox.WithStore(path), sandbox.WithSeed(testSeed), sandbox.WithClock(func() time.Time { return epoch })}
	}
	var before []sandbox.Key
	var first, successor, token, second string
	t.Run("before the restart", func(t *testing.T) {
		a := start(t, opts()...)
		token, second = a.SessionToken(), a.NewSessionToken()
		id, plaintext := a.mustCreate(t, "service", "inventory:read")
		gone, _ := a.mustCreate(t, "deleted", "inventory:read")
		r := a.mustSend(t, http.MethodPost, keysPath+"/"+id+"/rotate", `{"revokeOld":true}`)
		first, successor = plaintext, r.textAt(t, "plaintextKey")
		expectWorks(t, a, successor)
		if err := a.DeleteKey(gone); err != nil {
			t.Fatal(err)
		}
		a.AdvanceClock(time.Hour)
		if err := a.SetOrganisationIPs("127.0.0.1"); err != nil {
			t.Fatal(err)
		}
		a.RevokeSessionToken(second)
		before = a.Keys()
	})
	a := start(t, opts()...)
	if diff := cmp.Diff(before, a.Keys()); diff != "" {
		t.Errorf("keys (-before +after the restart):\n%s", diff)
	}
	expectCode(t, a.use(t, first), http.StatusUnauthorized, "REVOKED_API_KEY")
	expectWorks(t, a, successor)
	expectStatus(t, a.mustSendAs(t, token, http.MethodGet, keysPath, ""), http.StatusOK)
	expectStatus(t, a.mustSendAs(t, second, http.MethodGet, keysPath, ""), http.StatusUnauthorized)
	if got := a.Now().Sub(epoch); got != time.Hour {
		t.Errorf("clock offset %s after the restart", got)
	}
}

// TestSeedIssuesNothingTwice: a seed begins its stream anew after a restart, and what it gave out is in the store.
func TestSeedIssuesNothingTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandbox.db")
	var record recorder
	for range 3 {
		s, err := sandbox.New(sandbox.WithStore(path), sandbox.WithSeed(testSeed), sandbox.WithSessionToken("mine"), sandbox.WithIssueHook(record.hook))
		if err != nil {
			t.Fatal(err)
		}
		serve(t, s).mustCreate(t, "service", "inventory:read")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	ids := map[string]bool{}
	for _, id := range record.ids() {
		ids[id] = true
	}
	if len(ids) != 3 {
		t.Errorf("seed %d: three creates issued %d keys", testSeed, len(ids))
	}
}

func TestStoreErrors(t *testing.T) {
	t.Run("in use", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "sandbox.db")
		start(t, sandbox.WithStore(path))
		if _, err := sandbox.New(sandbox.WithStore(path)); err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("second sandbox on one store: %v", err)
		}
	})
	t.Run("not a store", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "sandbox.db")
		if err := os.WriteFile(path, []byte("something else"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sandbox.New(sandbox.WithStore(path)); err == nil {
			t.Error("accepted")
		}
	})
	t.Run("damaged", func(t *testing.T) {
		for bucket, key := range map[string]string{"keys": "key_1", "tenant": "organisation"} {
			path := filepath.Join(t.TempDir(), "sandbox.db")
			s, err := sandbox.New(sandbox.WithStore(path))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			damage(t, path, bucket, key)
			for range 2 { // the second time shows that the file was let go
				if _, err := sandbox.New(sandbox.WithStore(path)); err == nil || strings.Contains(err.Error(), "in use") {
					t.Errorf("opening a store with a damaged %s: %v", bucket, err)
				}
			}
		}
	})
	t.Run("a key that was used and deleted is not written at the end", func(t *testing.T) {
		a := start(t, sandbox.WithStore(filepath.Join(t.TempDir(), "sandbox.db")))
		id, plaintext := a.mustCreate(t, "service", "inventory:read")
		expectWorks(t, a, plaintext)
		if err := a.DeleteKey(id); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a commit that fails changes nothing and says so", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "sandbox.db")
		var log bytes.Buffer
		s, err := sandbox.New(sandbox.WithStore(path), sandbox.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		if err != nil {
			t.Fatal(err)
		}
		a := serve(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		expectStatus(t, a.mustSend(t, http.MethodPost, keysPath, createBody), http.StatusInternalServerError)
		if len(s.Keys()) != 0 || s.Stats().Created != 0 || !strings.Contains(log.String(), "commit") {
			t.Errorf("keys %v, log %s", s.Keys(), log.String())
		}
		if token := s.NewSessionToken(); token != "" {
			t.Error("a session token that is not stored was given out")
		}
	})
}

// TestNoSecretIsKept: no plaintext and no session token is in the store's file, in the log, or in what the management
// listener tells; whatever an outsider can do, faults included, was done before looking.
func TestNoSecretIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandbox.db")
	var record recorder
	var log bytes.Buffer
	a := start(t, sandbox.WithStore(path), sandbox.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		sandbox.WithIssueHook(record.hook))
	secrets := []string{a.SessionToken(), a.NewSessionToken()}
	for _, kind := range sandbox.FaultKinds() {
		a.ClearFaults()
		a.AddFault(sandbox.Fault{Kind: kind, Latency: time.Millisecond})
		for _, path := range []string{keysPath, keysPath + "/key_x/rotate"} {
			if len(a.Keys()) > 0 {
				path = strings.Replace(path, "key_x", a.Keys()[0].ID, 1)
			}
			_, _ = a.send(t, http.MethodPost, path, a.SessionToken(), createBody) // most faults are errors here
		}
	}
	a.ClearFaults()
	_, plaintext := a.mustCreate(t, "last", "inventory:read")
	expectWorks(t, a, plaintext)
	a.mustSend(t, http.MethodGet, "/api/"+plaintext, "")
	a.mustSend(t, http.MethodPost, keysPath+"/"+plaintext+"/revoke", "")

	secrets = append(secrets, record.all()...)
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string][]byte{"store": stored, "log": log.Bytes(), "management": []byte(managementAnswers(t, a))}
	if len(secrets) < 10 {
		t.Fatalf("only %d secrets to look for", len(secrets))
	}
	for place, content := range places {
		if len(content) == 0 {
			t.Errorf("%s is empty", place)
		}
		for i, secret := range secrets {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s holds secret %d", place, i)
			}
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the store: %v, %v", info.Mode(), err)
	}
}

// TestConcurrency: many callers at once; every answered create is in the listing, every plaintext works once and for
// one key only, and the counters agree. Run with -race.
func TestConcurrency(t *testing.T) {
	const workers, rounds = 16, 10
	var record recorder
	a := start(t, sandbox.WithRateLimits(), sandbox.WithIssueHook(record.hook))
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range rounds {
				if err := life(t, a); err != nil {
					t.Error(err)
				}
				a.AdvanceClock(time.Second)
				_, _, _ = a.Stats(), a.Keys(), a.Faults()
			}
		})
	}
	wg.Wait()
	const lives = workers * rounds
	stats, issued := a.Stats(), record.ids()
	if stats.Created != lives || stats.Rotated != lives || stats.Updated != lives || stats.Revoked != lives || len(issued) != 2*lives {
		t.Errorf("stats %+v, %d plaintexts; want %d of each and twice as many plaintexts", stats, len(issued), lives)
	}
	live := a.LiveKeys()
	if len(live) != lives || len(a.Keys()) != 2*lives {
		t.Errorf("%d live of %d keys, want %d of %d", len(live), len(a.Keys()), lives, 2*lives)
	}
	ids := map[string]bool{}
	for _, key := range live {
		ids[key.ID] = true
	}
	for plaintext, id := range issued {
		if got := a.use(t, plaintext).status == http.StatusOK; got != ids[id] {
			t.Errorf("the plaintext of %s works: %v", id, got)
		}
	}
}

// life creates a key, changes it, rotates it and revokes the old one.
func life(t *testing.T, a *api) error {
	t.Helper()
	r, err := a.send(t, http.MethodPost, keysPath, a.SessionToken(), createBody)
	if err != nil {
		return err
	}
	path := keysPath + "/" + as[string](t, as[map[string]any](t, as[map[string]any](t, r.json(t))["apiKey"])["id"])
	for _, step := range []struct{ method, path, body string }{
		{http.MethodPatch, path, `{"name":"renamed","scopes":["inventory:*"]}`},
		{http.MethodPost, path + "/rotate", `{"revokeOld":false}`},
		{http.MethodPost, path + "/revoke", ""},
		{http.MethodGet, keysPath + "?limit=100", ""},
	} {
		if _, err := a.send(t, step.method, step.path, a.SessionToken(), step.body); err != nil {
			return err
		}
	}
	return nil
}

// TestRevokeRace: of many revocations of one key exactly one has an effect.
func TestRevokeRace(t *testing.T) {
	d, err := sandbox.ParseDialect("revoked=409")
	if err != nil {
		t.Fatal(err)
	}
	a := start(t, sandbox.WithDialect(d), sandbox.WithRateLimits())
	id, _ := a.mustCreate(t, "service", "inventory:read")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := a.send(t, http.MethodPost, keysPath+"/"+id+"/revoke", a.SessionToken(), ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff(map[string]int{"200": 1, "409": 19}, a.Stats().Outcomes["revoke"]); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

// damage puts something that is no JSON into a store.
func damage(t *testing.T, path, bucket, key string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucket)).Put([]byte(key), []byte("{")) })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
