package simulation

import (
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

func str(s string) tftypes.Value { return tftypes.NewValue(tftypes.String, s) }

func strs(values ...string) tftypes.Value {
	elements := make([]tftypes.Value, 0, len(values))
	for _, s := range values {
		elements = append(elements, str(s))
	}
	return tftypes.NewValue(tftypes.Set{ElementType: tftypes.String}, elements)
}

// object makes a configuration of the schema; what is not given is null.
func (k *walk) object(schema *tfprotov6.Schema, given map[string]tftypes.Value) *tfprotov6.DynamicValue {
	k.t.Helper()
	of, ok := schema.ValueType().(tftypes.Object)
	if !ok {
		k.t.Fatal("the schema is no object")
	}
	values := map[string]tftypes.Value{}
	for name, kind := range of.AttributeTypes {
		values[name] = tftypes.NewValue(kind, nil)
	}
	for name, value := range given {
		values[name] = value
	}
	return k.dynamic(tftypes.NewValue(of, values))
}

func (k *walk) schemas() *tfprotov6.GetProviderSchemaResponse {
	k.t.Helper()
	schemas, err := k.server.GetProviderSchema(k.ctx, &tfprotov6.GetProviderSchemaRequest{})
	k.world.must(err)
	return schemas
}

// listRequest is what "terraform query" asks for.
type listRequest struct {
	filters map[string]tftypes.Value
	limit   int64
	full    bool
}

// list validates the configuration and lists, as core does.
func (k *walk) list(req listRequest) ([]tfprotov6.ListResourceResult, diagnostics) {
	k.t.Helper()
	server, ok := k.server.(tfprotov6.ListResourceServer)
	if !ok {
		k.t.Fatal("the server lists nothing")
	}
	config := k.object(k.schemas().ListResourceSchemas[resourceType], req.filters)
	valid, err := server.ValidateListResourceConfig(k.ctx, &tfprotov6.ValidateListResourceConfigRequest{TypeName: resourceType, Config: config})
	k.world.must(err)
	if said := k.said(valid.Diagnostics); said.failed() {
		return nil, said
	}
	stream, err := server.ListResource(k.ctx, &tfprotov6.ListResourceRequest{
		TypeName: resourceType, Config: config, Limit: req.limit, IncludeResource: req.full,
	})
	k.world.must(err)
	var results []tfprotov6.ListResourceResult
	var said diagnostics
	for result := range stream.Results {
		said = append(said, k.said(result.Diagnostics)...)
		if result.Identity != nil {
			results = append(results, result)
		}
	}
	return results, said
}

func (k *walk) listedIDs(results []tfprotov6.ListResourceResult) []string {
	k.t.Helper()
	ids := make([]string, 0, len(results))
	for _, result := range results {
		ids = append(ids, k.identified(result.Identity))
	}
	return ids
}

// TestList: each filter, the limit, and what a listing costs.
func TestList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var made []string
	for _, key := range []struct {
		name  string
		scope string
	}{{"Forecast", "forecast:read"}, {"Inventory", "inventory:read"}, {"Inventory all", "inventory:*"}, {"Everything", "*"}} {
		made = append(made, w.seed(key.name, key.scope))
		w.clock.advance(time.Second)
	}
	dead := w.seed("Inventory old", "inventory:read")
	w.must(w.api.EditKey(dead, func(key *sandbox.Key) { key.Status = "REVOKED" }))
	expired := w.seed("Inventory expired", "inventory:read")
	w.must(w.api.EditKey(expired, func(key *sandbox.Key) { key.Status = "EXPIRED" }))

	for name, tc := range map[string]struct {
		req  listRequest
		want []string
	}{
		"live ones":       {listRequest{}, made},
		"active":          {listRequest{filters: map[string]tftypes.Value{"status": str("ACTIVE")}}, made},
		"revoked":         {listRequest{filters: map[string]tftypes.Value{"status": str("REVOKED")}}, []string{dead}},
		"expired":         {listRequest{filters: map[string]tftypes.Value{"status": str("EXPIRED")}}, []string{expired}},
		"by name":         {listRequest{filters: map[string]tftypes.Value{"name_regex": str("^Inventory")}}, made[1:3]},
		"no such name":    {listRequest{filters: map[string]tftypes.Value{"name_regex": str("^Nothing$")}}, []string{}},
		"by scope":        {listRequest{filters: map[string]tftypes.Value{"scope": str("inventory:read")}}, made[1:4]},
		"by both":         {listRequest{filters: map[string]tftypes.Value{"scope": str("inventory:read"), "name_regex": str("all")}}, made[2:3]},
		"the first two":   {listRequest{limit: 2}, made[:2]},
		"a limit of some": {listRequest{limit: 3, filters: map[string]tftypes.Value{"scope": str("inventory:read")}}, made[1:4]},
	} {
		k, _ := w.newWalk(nil)
		before := w.api.Stats().Total
		results, said := k.list(tc.req)
		if got := k.listedIDs(results); len(said) != 0 || !slices.Equal(got, tc.want) {
			t.Errorf("%s: listed %v, want %v; said %s", name, got, tc.want, said)
		}
		if cost := w.api.Stats().Total - before; cost != 1 {
			t.Errorf("%s: %d requests, want one page", name, cost)
		}
	}
}

// TestListShowsWhatAnImportWould: display name and resource; importing by the identity gives that very state.
func TestListShowsWhatAnImportWould(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.seed("Forecast", "forecast:read", "inventory:read")
	k, _ := w.newWalk(nil)
	results, said := k.list(listRequest{full: true})
	if len(said) != 0 || len(results) != 1 {
		t.Fatalf("%d results, said %s", len(results), said)
	}
	key := w.key(id)
	if want := "Forecast (" + key.KeyPrefix + "..." + key.Last4 + ")"; results[0].DisplayName != want {
		t.Errorf("shown as %q, want %q", results[0].DisplayName, want)
	}
	value := k.static(results[0].Resource)
	for name, want := range map[string]string{
		"id": id, "name": "Forecast", "key_prefix": key.KeyPrefix, "last4": key.Last4, "status": "ACTIVE",
		"on_destroy": "revoke", "on_revoked": "recreate", "name_marker": "temporary",
	} {
		if got := text(value, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"plaintext_key", "encrypted_key", "rotation", "timeouts", "age_recipients"} {
		if !attribute(value, name).IsNull() {
			t.Errorf("%s is not null", name)
		}
	}
	if got := elements(attribute(value, "scopes")); len(got) != 2 {
		t.Errorf("%d scopes, want 2", len(got))
	}
	if results, _ := k.list(listRequest{}); len(results) != 1 || results[0].Resource != nil {
		t.Error("the resource is sent although nobody asked for it")
	}
}

// TestListRefusals: bad filters are refused before anything is sent (P7), and half a listing shows no key (P3).
func TestListRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seed("Forecast", "forecast:read")
	k, _ := w.newWalk(nil)
	before := w.api.Stats().Total
	for name, value := range map[string]string{"name_regex": "(", "status": "ALIVE", "scope": ""} {
		if _, said := k.list(listRequest{filters: map[string]tftypes.Value{name: str(value)}}); !said.failed() {
			t.Errorf("%s = %q is accepted", name, value)
		}
	}
	if w.api.Stats().Total != before {
		t.Error("something was sent")
	}
	w.api.AddFault(sandbox.Fault{Operation: "list", Kind: "truncated-json"})
	results, said := k.list(listRequest{})
	if len(results) != 0 || !said.failed() {
		t.Errorf("a listing that was cut off shows %d keys: %s", len(results), said)
	}
	w.expectSays(said, "Cannot list API keys", "complete listing")

	unknown, _ := w.newWalk(map[string]tftypes.Value{"token": tftypes.NewValue(tftypes.String, tftypes.UnknownValue)})
	_, said = unknown.list(listRequest{})
	w.expectSays(said, "token, whose value is known only after apply")
}
