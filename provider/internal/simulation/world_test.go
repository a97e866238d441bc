package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// world is one tenant of the API, with a listener in front of it that tests can make misbehave.
type world struct {
	t       *testing.T
	ctx     context.Context
	api     *sandbox.Server
	server  *httptest.Server
	clock   *clock
	token   string
	options []apiclient.Option
	log     *bytes.Buffer

	mu     sync.Mutex
	issued map[string]string // plaintext by id, the latest one
	owner  map[string]string // id by plaintext
	left   int               // requests that still get through; -1: all
	edit   func(answer map[string]any)
}

// newWorld starts a sandbox without rate limits on loopback. Nothing is retried, so that each fault counts.
func newWorld(t *testing.T, options ...sandbox.Option) *world {
	t.Helper()
	w := &world{
		t: t, clock: &clock{now: time.Date(2026, time.March, 1, 12, 0, 0, 250e6, time.UTC)},
		issued: map[string]string{}, owner: map[string]string{}, left: -1, log: &bytes.Buffer{},
	}
	w.ctx = tflogtest.RootLogger(t.Context(), w.log)
	options = append([]sandbox.Option{
		sandbox.WithRateLimits(), sandbox.WithClock(w.clock.Now), sandbox.WithIssueHook(w.sawIssued),
	}, options...)
	api, err := sandbox.New(options...)
	if err != nil {
		t.Fatalf("starting the sandbox: %v", err)
	}
	w.api, w.token = api, api.SessionToken()
	w.server = httptest.NewServer(http.HandlerFunc(w.serve))
	transport := &http.Transport{}
	w.options = []apiclient.Option{
		apiclient.WithClock(w.clock), apiclient.WithHTTPClient(&http.Client{Transport: transport}),
		apiclient.WithRetry(apiclient.RetryPolicy{MaxRetries: -1}),
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		w.server.Close()
		w.must(api.Close())
		w.noSecretIn("the log", w.log.String())
	})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) sawIssued(id, plaintext string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.issued[id], w.owner[plaintext] = plaintext, id
}

// serve is the network: it may be gone, or change what answers say.
func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	if !w.passes() {
		panic(http.ErrAbortHandler)
	}
	w.mu.Lock()
	edit := w.edit
	w.mu.Unlock()
	if edit == nil {
		w.api.API().ServeHTTP(rw, r)
		return
	}
	record := httptest.NewRecorder()
	w.api.API().ServeHTTP(record, r)
	var answer map[string]any
	body := record.Body.Bytes()
	if json.Unmarshal(body, &answer) == nil {
		edit(answer)
		body, _ = json.Marshal(answer) //nolint:errchkjson // it came from JSON
	}
	for name, values := range record.Header() {
		rw.Header()[name] = values
	}
	rw.Header().Del("Content-Length")
	rw.WriteHeader(record.Code)
	_, _ = rw.Write(body)
}

func (w *world) passes() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left == 0 {
		return false
	}
	if w.left > 0 {
		w.left--
	}
	return true
}

// killAfter lets so many requests through and no more, until revive.
func (w *world) killAfter(requests int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left = requests
}

func (w *world) revive() { w.killAfter(-1) }

func (w *world) killed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.left == 0
}

// editAnswers changes every JSON answer on its way; nil ends that.
func (w *world) editAnswers(edit func(answer map[string]any)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.edit = edit
}

// noSecretIn fails when text shows the token or any plaintext ever issued.
func (w *world) noSecretIn(where, s string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.Contains(s, w.token) {
		w.t.Errorf("%s shows the token", where)
	}
	for plaintext, id := range w.owner {
		if strings.Contains(s, plaintext) {
			w.t.Errorf("%s shows the plaintext of %s", where, id)
		}
	}
}

// works reports whether a plaintext authenticates, whatever its scopes allow.
func (w *world) works(plaintext string) bool {
	w.t.Helper()
	status := w.request(http.MethodGet, "/inventory/channel-location?locationId=loc_123", plaintext, nil)
	return status != http.StatusUnauthorized
}

// request sends to the sandbox past the listener's whims.
func (w *world) request(method, path, token string, body any) int {
	w.t.Helper()
	var payload bytes.Buffer
	if body != nil {
		w.must(json.NewEncoder(&payload).Encode(body))
	}
	r := httptest.NewRequestWithContext(w.t.Context(), method, "/api"+path, &payload)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	record := httptest.NewRecorder()
	w.api.API().ServeHTTP(record, r)
	return record.Code
}

// seed makes a key of somebody else.
func (w *world) seed(name string, scopes ...string) (id string) {
	w.t.Helper()
	before := len(w.api.Keys())
	w.request(http.MethodPost, "/admin/api-keys", w.token, map[string]any{"name": name, "scopes": scopes})
	keys := w.api.Keys()
	if len(keys) != before+1 {
		w.t.Fatal("seeding a key failed")
	}
	return keys[before].ID
}

// live returns the ids of live keys, oldest first.
func (w *world) live() []string {
	ids := []string{}
	for _, key := range w.api.LiveKeys() {
		ids = append(ids, key.ID)
	}
	return ids
}

func (w *world) key(id string) sandbox.Key {
	w.t.Helper()
	for _, key := range w.api.Keys() {
		if key.ID == id {
			return key
		}
	}
	w.t.Fatalf("the API has no key %s", id)
	return sandbox.Key{}
}

func (w *world) expectLive(want ...string) {
	w.t.Helper()
	got := w.live()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("live keys %v, want %v", got, want)
	}
}

// resource is one resource address: its configuration, and what the state file holds.
type resource struct {
	*world
	config config
	state  *instance
}

func (w *world) resource(c config) *resource { return &resource{world: w, config: c} }

func (r *resource) id() string        { return r.attribute("id") }
func (r *resource) plaintext() string { return r.attribute("plaintext_key") }

func (r *resource) attribute(name string) string {
	r.t.Helper()
	if r.state == nil {
		return ""
	}
	return text(r.state.value, name)
}

// previous returns the ids in previous_keys.
func (r *resource) previous() []string {
	ids := []string{}
	if r.state != nil {
		for _, key := range elements(attribute(r.state.value, "previous_keys")) {
			ids = append(ids, text(key, "id"))
		}
	}
	return ids
}

// outcome is what a command did.
type outcome struct {
	action action
	said   diagnostics
}

func (o outcome) String() string { return fmt.Sprintf("%s:\n%s", o.action, o.said) }

// planned is a saved plan.
type planned struct {
	change change
	said   diagnostics
}

// planWith refreshes and plans in one walk, with other provider settings if there are any.
func (r *resource) planWith(settings map[string]tftypes.Value, destroying bool) planned {
	r.t.Helper()
	before := r.api.Stats()
	defer r.expectNoWrites(before)
	k, said := r.newWalk(settings)
	if said.failed() {
		return planned{said: said}
	}
	config := k.null()
	if !destroying {
		config = r.config.value(k.schema.ValueType().(tftypes.Object)) //nolint:forcetypeassert // a panic is a failed test
		said = append(said, k.validate(config)...)
	}
	if said.failed() {
		return planned{said: said}
	}
	refreshed, more := k.read(r.state)
	said = append(said, more...)
	if more.failed() {
		return planned{said: said}
	}
	if destroying && refreshed == nil {
		return planned{change: change{action: noop, config: config}, said: said}
	}
	c, more := k.plan(refreshed, config)
	return planned{change: c, said: append(said, more...)}
}

func (r *resource) plan() planned {
	r.t.Helper()
	return r.planWith(nil, false)
}

// expectNoWrites: refreshing and planning change nothing at the API, whatever happens.
func (r *resource) expectNoWrites(before sandbox.Stats) {
	r.t.Helper()
	after := r.api.Stats()
	for _, op := range []sandbox.Operation{sandbox.OpCreate, sandbox.OpUpdate, sandbox.OpRotate, sandbox.OpRevoke} {
		if n := after.Requests[op] - before.Requests[op]; n != 0 {
			r.t.Errorf("a plan sent %d %s requests", n, op)
		}
	}
}

// applyPlan applies a saved plan in a walk of its own, with the configuration as it is known now.
func (r *resource) applyPlan(p planned) outcome {
	r.t.Helper()
	o := outcome{action: p.change.action, said: p.said}
	if p.said.failed() {
		return o
	}
	k, said := r.newWalk(nil)
	o.said = append(o.said, said...)
	if said.failed() {
		return o
	}
	config := k.null()
	if !p.change.config.IsNull() {
		config = r.config.value(k.schema.ValueType().(tftypes.Object)) //nolint:forcetypeassert // a panic is a failed test
	}
	r.state = p.change.prior
	next, said := k.apply(p.change, config)
	r.state = next
	o.said = append(o.said, said...)
	return o
}

func (r *resource) apply() outcome {
	r.t.Helper()
	return r.applyPlan(r.plan())
}

func (r *resource) destroy() outcome {
	r.t.Helper()
	return r.applyPlan(r.planWith(nil, true))
}

// refresh is a refresh-only apply.
func (r *resource) refresh() diagnostics {
	r.t.Helper()
	k, said := r.newWalk(nil)
	next, more := k.read(r.state)
	r.state = next
	return append(said, more...)
}

func (r *resource) mustApply() outcome {
	r.t.Helper()
	o := r.apply()
	if o.said.failed() {
		r.t.Fatalf("apply failed: %s", o)
	}
	return o
}

func (r *resource) mustFail() outcome {
	r.t.Helper()
	o := r.apply()
	if !o.said.failed() {
		r.t.Fatalf("apply succeeded, want an error: %s", o)
	}
	return o
}

// expectEmptyPlan: a plan right after an apply has nothing to do, and nothing to say.
func (r *resource) expectEmptyPlan() {
	r.t.Helper()
	if p := r.plan(); p.change.action != noop || p.said.failed() {
		r.t.Errorf("the plan is not empty: %s\n%s\nprior   %s\nplanned %s", p.change.action, p.said, priorText(p.change), p.change.planned)
	}
}

func priorText(c change) string {
	if c.prior == nil {
		return "none"
	}
	return c.prior.value.String()
}

// expectSays checks that diagnostics hold each text.
func (w *world) expectSays(said diagnostics, texts ...string) {
	w.t.Helper()
	for _, want := range texts {
		if !strings.Contains(said.String(), want) {
			w.t.Errorf("the diagnostics lack %q:\n%s", want, said)
		}
	}
}
