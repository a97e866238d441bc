package acceptance

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// TestAccPain13InterruptAfterCreateOrphansNothing: elsewhere Ctrl-C between the request and its answer leaves a live key
// that no state knows (confluentcloud #99, aws #31731, sendgrid #2). Here the answer is on its way when the signal
// comes, and not delivered before the CLI has said that it stops.
func TestAccPain13InterruptAfterCreateOrphansNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	issued, deliver := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.front(func(api http.Handler, rw http.ResponseWriter, r *http.Request) {
		record := answerOf(api, r)
		if issues(r) {
			once.Do(func() { close(issued) })
			<-deliver
		}
		send(rw, record, record.Body.Bytes())
	})
	ws := newWorkspace(t, w, block("Interrupted"))
	run := ws.start("apply", "-auto-approve", "-no-color")
	<-issued
	run.interrupt()
	eventually(t, "the CLI has noticed the interrupt", func() bool { return bytes.Contains(run.output.bytes(), []byte("Interrupt received")) })
	close(deliver)
	run.wait()
	plaintext := ws.plaintexts()[test]
	if plaintext == "" || !usable(w.api.API(), plaintext) {
		t.Fatal("the plaintext that was on its way is not in the state")
	}
	// The name may still have its marker. That is repaired in place.
	ws.apply()
	if ws.plaintexts()[test] != plaintext || w.api.Stats().Created != 1 || w.api.LiveKeys()[0].Name != "Interrupted" {
		t.Error("the next apply has not kept the key as it is")
	}
	w.expectLive(1)
	ws.expectEmptyPlan()
}

// TestAccPain13TimeoutAfterCreateTaintsNothing: elsewhere a timeout in what follows a create taints the resource, and
// the next apply revokes a good key; or the key is forgotten (aws #31731, confluentcloud #99).
func TestAccPain13TimeoutAfterCreateTaintsNothing(t *testing.T) {
	t.Parallel()
	for name, slow := range map[string]sandbox.Operation{"the create itself is slow": "create", "what follows it is slow": "update"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.api.AddFault(sandbox.Fault{Operation: slow, Kind: "latency", Latency: 3 * time.Second})
			ws := newWorkspace(t, w, block("Slow", `timeouts = { create = "1s" }`))
			ws.apply()
			plaintext := ws.plaintexts()[test]
			w.api.ClearFaults()
			for address, change := range ws.plan() {
				if strings.Join(change.Actions, ",") != "update" || change.After["plaintext_key"] != plaintext {
					t.Errorf("the next plan does %v to %s, or changes the plaintext", change.Actions, address)
				}
			}
			ws.applySaved()
			if ws.plaintexts()[test] != plaintext || w.api.Stats().Created != 1 || w.api.LiveKeys()[0].Name != "Slow" {
				t.Error("the next apply has not kept the key, or not put its name right")
			}
			ws.expectSecrets(1)
			ws.expectEmptyPlan()
		})
	}
}

// hostile are answers that quote a secret where it does not belong. They are given instead of the API's own to the
// first request that pick accepts.
var hostile = map[string]struct { //nolint:gochecknoglobals // a table
	pick   func(r *http.Request) bool
	answer func(rw http.ResponseWriter, secret string)
}{
	"an error that quotes the token": {lists, func(rw http.ResponseWriter, secret string) {
		rw.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(rw, `{"error": "bad header Authorization: Bearer %[1]s", "details": {"sent": %[1]q}}`, secret)
	}},
	"a web page that shows the token": {lists, func(rw http.ResponseWriter, secret string) {
		rw.Header().Set("Content-Type", "text/html")
		rw.WriteHeader(http.StatusNotFound)
		_, _ = rw.Write([]byte("<html><title>" + secret + "</title><body>No route for " + secret + "</body></html>"))
	}},
	"a redirect with the token in its address": {lists, func(rw http.ResponseWriter, secret string) {
		rw.Header().Set("Location", "https://login.example.com/"+secret+"?token="+secret)
		rw.WriteHeader(http.StatusFound)
	}},
	"headers that repeat the token": {lists, func(rw http.ResponseWriter, secret string) {
		rw.Header().Set("X-Request-Id", secret)
		rw.Header().Set("Retry-After", secret)
		rw.WriteHeader(http.StatusUnauthorized)
		_, _ = rw.Write([]byte(`{"code": "` + secret + `"}`))
	}},
	"a plaintext in a field that nobody knows": {issues, func(rw http.ResponseWriter, secret string) {
		rw.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(rw, `{"message": "your key is %[1]s", "credential": %[1]q, "details": %[1]q}`, secret)
	}},
	"a plaintext in an error": {issues, func(rw http.ResponseWriter, secret string) {
		rw.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(rw, `{"error": "VALIDATION_ERROR", "message": "cannot store %[1]s", "details": [%[1]q]}`, secret)
	}},
	"a plaintext outside of any JSON": {issues, func(rw http.ResponseWriter, secret string) {
		rw.WriteHeader(http.StatusOK)
		_, _ = rw.Write([]byte(secret + "\n"))
	}},
}

func lists(r *http.Request) bool { return r.Method == http.MethodGet }

// TestAccPain14SecretsAreInNoLogAndNoError: elsewhere a key or token is printed at TF_LOG=TRACE, or an API's error is
// passed on with the credential that it quotes (NVIDIA/ngc PR #100, Cloud-Temple #318, sonarqube #201, aws #32164).
func TestAccPain14SecretsAreInNoLogAndNoError(t *testing.T) {
	t.Parallel()
	for name, c := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var armed atomic.Bool
			w.front(func(api http.Handler, rw http.ResponseWriter, r *http.Request) {
				record := answerOf(api, r)
				if !c.pick(r) || !armed.CompareAndSwap(true, false) {
					send(rw, record, record.Body.Bytes())
					return
				}
				secret := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
				if issues(r) {
					issued := w.issued()
					secret = issued[len(issued)-1]
				}
				c.answer(rw, secret)
			})
			ws := newWorkspace(t, w, block("Quoted", `rotation = { triggers = { n = "1" } }`))
			ws.env = append(ws.env, "TF_LOG=TRACE", "BETTERDATA_TOKEN_FILE=", "BETTERDATA_TOKEN="+w.api.SessionToken())
			output := ws.apply()
			armed.Store(true)
			ws.configure(block("Quoted", `rotation = { triggers = { n = "2" } }`))
			output += ws.mustFail("apply", "-auto-approve", "-no-color")
			if armed.Load() || !strings.Contains(output, "[TRACE]") {
				t.Error("the answer was not given, or nothing was printed at TRACE")
			}
			for _, secret := range append(w.issued(), w.api.SessionToken()) {
				if strings.Contains(output, secret) {
					t.Errorf("a secret was printed after %q", before([]byte(output), strings.Index(output, secret)))
				}
			}
		})
	}
}

// TestAccPain17KeyIsUsableRightAfterCreate: elsewhere what depends on a new key fails in the same apply, and works when
// it is run again (google #12915, oci #2383, grafana #2060). Here the new key is the credential of a second provider.
func TestAccPain17KeyIsUsableRightAfterCreate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := func(n string) string {
		return block("Deputy", adminScopes, `rotation = { overlap = "1h", triggers = { n = "`+n+`" } }`) + `
provider "betterdata" {
  alias = "deputy"
  token = betterdata_api_key.test.plaintext_key
}
resource "betterdata_api_key" "made" {
  provider = betterdata.deputy
  name     = "Made by the deputy ` + n + `"
  scopes   = ["inventory:read"]
}
`
	}
	ws := newWorkspace(t, w, config("1"))
	ws.env = append(ws.env, "BETTERDATA_TOKEN_FILE=", "BETTERDATA_TOKEN="+w.api.SessionToken())
	ws.apply()
	ws.expectSecrets(2)
	// Listings that lag behind make a new key look absent.
	w.api.AddFault(sandbox.Fault{Operation: "list", Kind: "listing-lag", Latency: time.Minute})
	expectActions(t, ws.plan(), map[string]string{})
	w.api.ClearFaults()
	// The same with a rotated key: the successor works in the apply that issues it.
	ws.configure(config("2"))
	ws.apply()
	ws.expectSecrets(2)
	w.expectLive(3)
}

// TestAccPain18ProviderKeepsTheKeyItAuthenticatesWith: elsewhere a destroy or a rotation revokes the provider's own
// credential, and everything after it fails (Five-Nines-io #16).
func TestAccPain18ProviderKeepsTheKeyItAuthenticatesWith(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := func(n string) string {
		return block("Automation", adminScopes, `rotation = { overlap = "0s", triggers = { n = "`+n+`" } }`)
	}
	ws := newWorkspace(t, w, config("1"))
	ws.apply()
	own := ws.plaintexts()[test]
	w.useToken(own)
	ws.expectEmptyPlan()

	for _, args := range [][]string{{"destroy"}, {"apply", "-replace=" + address}, {"destroy", "-refresh=false"}} {
		output := ws.mustFail(append(args, "-auto-approve", "-no-color")...)
		if !regexp.MustCompile(`(?s)Refusing\s+to\s+revoke.*authenticates\s+with\s+it`).MatchString(output) {
			t.Errorf("%v does not say why it refuses:\n%s", args, tail(output))
		}
		w.expectLive(1)
	}
	// A rotation goes on: its overlap of 0s has to wait until the provider has the successor.
	ws.configure(config("2"))
	ws.apply()
	if !usable(w.api.API(), own) {
		t.Fatal("the rotation has revoked the provider's own credential")
	}
	w.expectLive(2)
	w.useToken(ws.plaintexts()[test])
	ws.apply()
	if usable(w.api.API(), own) {
		t.Error("the old credential is alive although the provider has another")
	}
	w.expectLive(1)
	w.useToken(w.api.SessionToken())
	ws.destroy()
	w.expectLive(0)
}
