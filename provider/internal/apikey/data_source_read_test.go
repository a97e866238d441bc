package apikey

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// newClient makes a client of the sandbox with a Directory of its own.
func newClient(t *testing.T, api *sandbox.Server, server *httptest.Server) *apiclient.Client {
	t.Helper()
	client, err := apiclient.New(
		apiclient.WithBaseURL(server.URL+"/api"), apiclient.WithTokenSource(apiclient.StaticToken(apiclient.NewSecret(api.SessionToken()))))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestLookupLooksAgain: what another program has made since the listing of this run is found, at the cost of one more
// listing; what is in the listing costs none (P6).
func TestLookupLooksAgain(t *testing.T) {
	t.Parallel()
	api, err := sandbox.New(sandbox.WithRateLimits())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api.API())
	t.Cleanup(func() { server.Close(); _ = api.Close() })
	ours, theirs := newClient(t, api, server), newClient(t, api, server)
	create := func(name string) string {
		issued, err := theirs.CreateKey(t.Context(), apiclient.CreateKeyRequest{Name: name, Scopes: []string{"inventory:read"}})
		if err != nil {
			t.Fatal(err)
		}
		return issued.ID
	}
	expect := func(what string, wanted lookup, id string, listings int) {
		t.Helper()
		api.ResetStats()
		found, err := wanted.in(t.Context(), ours.Directory())
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got := strings.Join(ids(found), " "); got != id {
			t.Errorf("%s: found %q, want %q", what, got, id)
		}
		if got := api.Stats().Total; got != listings {
			t.Errorf("%s: %d requests, want %d", what, got, listings)
		}
	}
	first := create("First")
	expect("the first lookup", lookup{name: "First"}, first, 1)
	expect("another", lookup{id: first}, first, 0)
	second := create("Second")
	expect("a key made meanwhile", lookup{name: "Second"}, second, 1)
	expect("the same by id", lookup{id: second}, second, 0)
	expect("a key that is nowhere", lookup{id: "key_nobody"}, "", 1)

	fresh := newClient(t, api, server)
	ours = fresh
	expect("nowhere, and no listing before", lookup{name: "Nobody"}, "", 1)
	api.AddFault(sandbox.Fault{Operation: sandbox.OpList, Kind: sandbox.FaultUnknownShape})
	if found, err := (lookup{name: "Nobody"}).in(t.Context(), ours.Directory()); err == nil {
		t.Errorf("a second listing that failed counts as a missing key: %v", found)
	}
}

// TestWarnOfUnknown: keys that could not be judged are named, the first ten of them.
func TestWarnOfUnknown(t *testing.T) {
	t.Parallel()
	var many []apiclient.Key
	for i := range 12 {
		many = append(many, apiclient.Key{ID: fmt.Sprintf("key_%d", i)})
	}
	var diags diag.Diagnostics
	choice{ageUnknown: many, useUnknown: many[:1]}.warn(&diags)
	if diags.HasError() || diags.WarningsCount() != 2 {
		t.Fatalf("said %v, want two warnings", diags)
	}
	for i, want := range [][]string{{"12 API keys", "key_9 and 2 more."}, {"last use of 1 API key ", ": key_0."}} {
		for _, part := range want {
			if text := diags[i].Summary() + "\n" + diags[i].Detail(); !strings.Contains(text, part) {
				t.Errorf("warning %d lacks %q:\n%s", i, part, text)
			}
		}
	}
	diags = nil
	choice{keys: many}.warn(&diags)
	if len(diags) != 0 {
		t.Errorf("warned of nothing: %v", diags)
	}
}
