package simulation

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// opened is an open ephemeral key.
type opened struct {
	value   tftypes.Value
	private []byte
}

// open opens an ephemeral key; nil if that failed.
func (k *walk) open(given map[string]tftypes.Value) (*opened, diagnostics) {
	k.t.Helper()
	schema := k.schemas().EphemeralResourceSchemas[resourceType]
	config := map[string]tftypes.Value{"name": str("Smoke"), "scopes": strs("inventory:read")}
	for name, value := range given {
		config[name] = value
	}
	resp, err := k.server.OpenEphemeralResource(k.ctx, &tfprotov6.OpenEphemeralResourceRequest{
		TypeName: resourceType, Config: k.object(schema, config),
		ClientCapabilities: &tfprotov6.OpenEphemeralResourceClientCapabilities{},
	})
	k.world.must(err)
	said := k.said(resp.Diagnostics)
	if said.failed() {
		return nil, said
	}
	value, err := resp.Result.Unmarshal(schema.ValueType())
	k.world.must(err)
	if !value.IsFullyKnown() {
		k.t.Error("the result has unknown values")
	}
	if !resp.RenewAt.IsZero() {
		k.t.Error("Terraform is asked to renew a key that does not expire")
	}
	k.world.noSecretIn("private data", string(resp.Private))
	return &opened{value: value, private: resp.Private}, said
}

func (k *walk) close(o *opened) diagnostics {
	k.t.Helper()
	resp, err := k.server.CloseEphemeralResource(k.ctx, &tfprotov6.CloseEphemeralResourceRequest{TypeName: resourceType, Private: o.private})
	k.world.must(err)
	return k.said(resp.Diagnostics)
}

// TestEphemeral: two openings are two keys, each lives until it is closed, and closing twice is no error.
func TestEphemeral(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k, _ := w.newWalk(nil)
	a, said := k.open(nil)
	b, again := k.open(nil)
	if a == nil || b == nil || len(said)+len(again) != 0 {
		t.Fatalf("said %s%s", said, again)
	}
	if text(a.value, "id") == text(b.value, "id") || w.key(text(a.value, "id")).Name == w.key(text(b.value, "id")).Name {
		t.Error("two openings share a key or a name")
	}
	if !w.works(text(a.value, "plaintext_key")) || !truth(a.value, "revoke_on_close") {
		t.Error("the open key does not work, or does not say that it will be revoked")
	}
	for range 2 {
		if said := k.close(a); len(said) != 0 {
			t.Errorf("closing: %s", said)
		}
		w.expectLive(text(b.value, "id"))
	}
	if said := k.close(b); len(said) != 0 {
		t.Errorf("closing: %s", said)
	}
	w.expectLive()

	kept, _ := k.open(map[string]tftypes.Value{"revoke_on_close": tftypes.NewValue(tftypes.Bool, false)})
	before := w.api.Stats().Total
	if said := k.close(kept); len(said) != 0 || w.api.Stats().Total != before {
		t.Errorf("closing a key that is kept sent something, or said %s", said)
	}
	w.expectLive(text(kept.value, "id"))
}

// TestEphemeralWithoutID: the answer holds a plaintext and no readable id. The key is found by its name, now or when it
// is closed.
func TestEphemeralWithoutID(t *testing.T) {
	t.Parallel()
	for name, listingFails := range map[string]bool{"found at once": false, "found when closed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.seed("Smoke (ephemeral)", "inventory:read")
			k, _ := w.newWalk(nil)
			if listingFails {
				w.api.AddFault(sandbox.Fault{Operation: "list", Kind: "500"})
			}
			w.editAnswers(func(answer map[string]any) { withoutID(answer) })
			o, said := k.open(nil)
			w.editAnswers(nil)
			w.api.ClearFaults()
			if o == nil || !w.works(text(o.value, "plaintext_key")) {
				t.Fatalf("no key that works: %s", said)
			}
			if listingFails != (text(o.value, "id") == "") || listingFails != (len(said) == 1) {
				t.Errorf("id %q, said %s", text(o.value, "id"), said)
			}
			if said := k.close(o); len(said) != 0 {
				t.Errorf("closing: %s", said)
			}
			if live := w.live(); len(live) != 1 {
				t.Errorf("%d keys live, want the namesake alone", len(live))
			}
		})
	}
}

// withoutID takes the ids out of an answer that holds a plaintext.
func withoutID(answer map[string]any) {
	hasPlaintext := false
	for name := range answer {
		hasPlaintext = hasPlaintext || strings.Contains(strings.ToLower(name), "plaintext")
	}
	if !hasPlaintext {
		return
	}
	delete(answer, "id")
	for _, value := range answer {
		if nested, ok := value.(map[string]any); ok {
			delete(nested, "id")
		}
	}
}

// TestEphemeralListingLags: the answer is lost, and so lags the listing. Nothing is claimed to be gone: the error says
// which name to look for (P3).
func TestEphemeralListingLags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k, _ := w.newWalk(nil)
	w.api.AddFault(sandbox.Fault{Operation: "create", Kind: "cut-after-commit", Times: 1})
	w.api.AddFault(sandbox.Fault{Operation: "list", Kind: "listing-lag", Latency: time.Minute})
	o, said := k.open(nil)
	if o != nil {
		t.Fatal("a key whose plaintext was lost was opened")
	}
	live := w.live()
	if len(live) != 1 {
		t.Fatalf("%d keys live, want the one that the listing does not show yet", len(live))
	}
	w.expectSays(said, "Should a live key named \""+w.key(live[0]).Name+"\" turn up later, revoke it")
}

// TestEphemeralOwnCredential: a key that the provider has come to log in with is not revoked.
func TestEphemeralOwnCredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k, _ := w.newWalk(nil)
	o, _ := k.open(map[string]tftypes.Value{"scopes": strs("admin:read", "admin:write")})
	w.token = text(o.value, "plaintext_key")
	late, _ := w.newWalk(nil)
	w.expectSays(late.close(o), "Refusing to revoke "+text(o.value, "id"))
	w.expectLive(text(o.value, "id"))
}

// TestEphemeralUnknownProviderConfiguration: opening needs a connection, and the error says which attribute is missing.
func TestEphemeralUnknownProviderConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k, _ := w.newWalk(map[string]tftypes.Value{"token": tftypes.NewValue(tftypes.String, tftypes.UnknownValue)})
	_, said := k.open(nil)
	w.expectSays(said, "Opening an ephemeral key needs the provider's token, whose value is known only after apply")
}
