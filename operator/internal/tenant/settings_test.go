package tenant

import (
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// The client is made anew while an exchange of the old one is on its way: that one comes to its end, and its key is
// handed over.
func TestSettingsChangeInFlight(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		w.mustView(w.open(obj), time.Hour)
		w.api.AddFault(sandbox.Fault{Operation: sandbox.OpCreate, Kind: sandbox.FaultLatency, Latency: 10 * time.Second})
		old := w.open(obj)
		type result struct {
			issued *apiclient.IssuedKey
			err    error
		}
		results := make(chan result)
		go func() {
			issued, err := old.CreateKey(t.Context(), apiclient.CreateKeyRequest{Name: "n", Scopes: []string{"inventory:read"}})
			results <- result{issued, err}
		}()
		synctest.Wait()
		mustChange(w, obj, func(obj *v1alpha1.Connection) {
			obj.Spec.Quota, obj.Generation = &v1alpha1.Quota{RequestsPerMinute: 5}, 2
		})
		if report := w.mustPoll(obj, time.Hour); report.View == nil || report.QuotaMinute != 4 {
			t.Errorf("reported %+v", report)
		}
		if got := <-results; got.err != nil || got.issued.Plaintext.IsZero() {
			t.Errorf("got %v", got.err)
		}
		w.mustBeBusy(old.RevokeKey(t.Context(), "key_1")) // its time is over
	})
}

// A listing of the old client is given up with it: its readers come back to the new one.
func TestSettingsChangeDuringListing(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		w.set(&w.hang, true)
		errs := make(chan error)
		conn := w.open(obj)
		go func() {
			_, err := conn.View(t.Context(), apiclient.Freshness{})
			errs <- err
		}()
		synctest.Wait()
		w.set(&w.hang, false)
		mustChange(w, obj, func(obj *v1alpha1.Connection) {
			obj.Spec.Quota, obj.Generation = &v1alpha1.Quota{RequestsPerMinute: 5}, 2
		})
		w.mustView(w.open(obj), time.Hour)
		if wait := w.mustBeBusy(<-errs); wait > 0 {
			t.Errorf("come back in %s", wait)
		}
	})
}

// A reader with an older version of the object does not bring old settings back.
func TestOlderVersionOfObject(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		older := obj.DeepCopy()
		mustChange(w, obj, func(obj *v1alpha1.Connection) { obj.Spec.BaseURL, obj.Generation = "http://127.0.0.2:1/api", 2 })
		w.mustSend(1, func() {
			w.mustPoll(obj, time.Hour)
			w.mustPoll(older, time.Hour)
			w.mustPoll(obj, time.Hour)
		})
	})
}

func TestInvalidSettings(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*v1alpha1.ConnectionSettings){
		"no certificate":     func(s *v1alpha1.ConnectionSettings) { s.CABundle = []byte("nonsense") },
		"another PEM block":  func(s *v1alpha1.ConnectionSettings) { s.CABundle = pemBlock("PRIVATE KEY", "radioactive") },
		"broken certificate": func(s *v1alpha1.ConnectionSettings) { s.CABundle = pemBlock("CERTIFICATE", "nonsense") },
		"no address":         func(s *v1alpha1.ConnectionSettings) { s.BaseURL = "nonsense" },
		"password":           func(s *v1alpha1.ConnectionSettings) { s.BaseURL = "https://user:radioactive@host/api" },
		"plain HTTP":         func(s *v1alpha1.ConnectionSettings) { s.BaseURL = "http://example.com/api" },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.secrets = append(w.secrets, "radioactive")
				obj := connectionNamed("default")
				change(&obj.Spec.ConnectionSettings)
				w.mustCreate(obj, tokenSecret("shop", "default-token", w.api.SessionToken()))
				conn := w.open(obj)
				_, err := conn.View(t.Context(), apiclient.Freshness{})
				if _, ok := errors.AsType[*InvalidSettingsError](err); !ok {
					t.Fatalf("got %v", err)
				}
				w.mustBe(err, apikey.ErrConnectionNotReady)
				report := w.mustPoll(obj, time.Hour)
				if report.View != nil || !errors.Is(report.Failure, err) || !report.RetryAt.IsZero() {
					t.Errorf("reported %+v", report)
				}
				w.mustBe(conn.RevokeKey(t.Context(), "key_1"), apikey.ErrConnectionNotReady)
				if err := conn.Verify(t.Context(), apiclient.NewSecret("new")); err != nil {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestInsecureHTTPOnRequest(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := connectionNamed("default")
		obj.Spec.BaseURL, obj.Spec.AllowInsecureHTTP = "http://example.com/api", true
		w.mustCreate(obj, tokenSecret("shop", "default-token", w.api.SessionToken()))
		w.mustView(w.open(obj), time.Hour)
	})
}

func pemBlock(kind, content string) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(content)})
}

// On a real network with real certificates: the bundle is trusted, and nothing else is.
func TestCABundle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewUnstartedServer(w.api.API())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	w.pool.transport = transportTo
	trusting, other := connectionNamed("trusting"), connectionNamed("other")
	for _, obj := range []*v1alpha1.Connection{trusting, other} {
		obj.Spec.BaseURL = server.URL + "/api"
		w.mustCreate(tokenSecret("shop", obj.Name+"-token", w.api.SessionToken()))
	}
	trusting.Spec.CABundle = pemBlock("CERTIFICATE", string(server.Certificate().Raw))
	w.mustCreate(trusting, other)
	conn := w.open(trusting)
	w.mustView(conn, time.Hour)
	issued := w.mustMint(conn)
	if err := conn.Verify(t.Context(), issued.Plaintext); err != nil {
		t.Error(err)
	}
	if report := w.mustPoll(other, time.Hour); report.View != nil || !strings.Contains(report.Failure.Error(), "certificate") {
		t.Errorf("reported %+v", report)
	}
	w.pool.Forget(KeyOf(trusting))
	w.mustHideSecrets(w.log.String(), "the log")
}

// P5: a redirect to another host carries no token away.
func TestRedirectKeepsTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var stolen http.Header
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen = r.Header }))
	t.Cleanup(thief.Close)
	server := httptest.NewServer(w.api.API())
	t.Cleanup(server.Close)
	w.pool.transport = transportTo
	w.api.AddFault(sandbox.Fault{Operation: sandbox.OpList, Kind: sandbox.FaultRedirect, Location: thief.URL})
	obj := connectionNamed("default")
	obj.Spec.BaseURL = server.URL + "/api"
	w.mustCreate(obj, tokenSecret("shop", "default-token", w.api.SessionToken()))
	if report := w.mustPoll(obj, time.Hour); report.View != nil || report.Failure == nil || stolen != nil {
		t.Errorf("reported %+v; the other host got %v", report, stolen)
	}
	w.mustHideSecrets(w.log.String(), "the log")
}
