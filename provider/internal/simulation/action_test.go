package simulation

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

const (
	revokeAction   = "betterdata_api_key_revoke"
	previousAction = "betterdata_api_key_revoke_previous"
)

// invoke validates, plans and invokes an action, as core does. It returns what was shown as progress, and what was said
// at the end.
func (k *walk) invoke(name string, given map[string]tftypes.Value) (progress []string, said diagnostics) {
	k.t.Helper()
	server, ok := k.server.(tfprotov6.ActionServer)
	if !ok {
		k.t.Fatal("the server has no actions")
	}
	config := k.object(k.schemas().ActionSchemas[name].Schema, given)
	valid, err := server.ValidateActionConfig(k.ctx, &tfprotov6.ValidateActionConfigRequest{ActionType: name, Config: config})
	k.world.must(err)
	if said = k.said(valid.Diagnostics); said.failed() {
		return nil, said
	}
	planned, err := server.PlanAction(k.ctx, &tfprotov6.PlanActionRequest{
		ActionType: name, Config: config, ClientCapabilities: &tfprotov6.PlanActionClientCapabilities{},
	})
	k.world.must(err)
	if said = k.said(planned.Diagnostics); said.failed() {
		return nil, said
	}
	stream, err := server.InvokeAction(k.ctx, &tfprotov6.InvokeActionRequest{
		ActionType: name, Config: config, ClientCapabilities: &tfprotov6.InvokeActionClientCapabilities{},
	})
	k.world.must(err)
	for event := range stream.Events {
		switch e := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			k.world.noSecretIn("progress", e.Message)
			progress = append(progress, e.Message)
		case tfprotov6.CompletedInvokeActionEventType:
			said = k.said(e.Diagnostics)
		}
	}
	return progress, said
}

func (w *world) revoke(id string) (progress []string, said diagnostics) {
	w.t.Helper()
	k, _ := w.newWalk(nil)
	return k.invoke(revokeAction, map[string]tftypes.Value{"id": str(id)})
}

func (w *world) revokePrevious(keep string, ids ...string) (progress []string, said diagnostics) {
	w.t.Helper()
	k, _ := w.newWalk(nil)
	return k.invoke(previousAction, map[string]tftypes.Value{"keep": str(keep), "ids": strs(ids...)})
}

// TestActionsOnlyRevoke: no action issues a key, for it could not hand its plaintext to anybody (docs/decisions/0010).
func TestActionsOnlyRevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k, _ := w.newWalk(nil)
	names := slices.Sorted(maps.Keys(k.schemas().ActionSchemas))
	if !slices.Equal(names, []string{revokeAction, previousAction}) {
		t.Errorf("actions %v: an action that is not a revocation needs a new decision", names)
	}
	current, old := w.seed("Current", "inventory:read"), w.seed("Old", "inventory:read")
	before := w.api.Stats()
	w.revokePrevious(current, old)
	w.revoke(current)
	if after := w.api.Stats(); after.Created != before.Created || after.Rotated != before.Rotated || after.Revoked != before.Revoked+2 {
		t.Errorf("the actions sent %v", after.Requests)
	}
}

// TestActionRevoke: one key dies, with progress; a key that is dead already is no error.
func TestActionRevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	leaked, other := w.seed("Leaked", "inventory:read"), w.seed("Other", "inventory:read")
	progress, said := w.revoke(leaked)
	if len(said) != 0 || len(progress) != 3 || !strings.Contains(progress[1], "Leaked") {
		t.Errorf("said %s, progress %q", said, progress)
	}
	w.expectLive(other)
	progress, said = w.revoke(leaked)
	if len(said) != 0 || !strings.Contains(strings.Join(progress, "\n"), "REVOKED already") {
		t.Errorf("a second time: said %s, progress %q", said, progress)
	}
	w.expectLive(other)
}

// TestActionRevokeRefusals: what must not be revoked, and what cannot be.
func TestActionRevokeRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.seed("Other", "inventory:read")

	_, said := w.revoke("key_unheard_of")
	if !said.failed() || len(said) != 1 {
		t.Errorf("an id that is not listed: %s", said)
	}
	w.expectSays(said, "No API key key_unheard_of", "the id is wrong")
	if _, said := w.revoke(""); !said.failed() {
		t.Error("an empty id is accepted")
	}

	w.api.AddFault(sandbox.Fault{Operation: "list", Kind: "502-html"})
	_, said = w.revoke(other)
	w.expectSays(said, "Cannot look up API key "+other, "Nothing was revoked")
	w.api.ClearFaults()
	w.api.AddFault(sandbox.Fault{Operation: "revoke", Kind: "500"})
	_, said = w.revoke(other)
	w.expectSays(said, "Cannot revoke API key "+other, "may still be alive")
	w.api.ClearFaults()

	own := w.resource(config{scopes: []string{"admin:read", "admin:write"}})
	own.mustApply()
	w.token = own.plaintext()
	_, said = w.revoke(own.id())
	w.expectSays(said, "Refusing to revoke "+own.id())
	w.expectLive(other, own.id())

	k, _ := w.newWalk(map[string]tftypes.Value{"token": tftypes.NewValue(tftypes.String, tftypes.UnknownValue)})
	_, said = k.invoke(revokeAction, map[string]tftypes.Value{"id": str(other)})
	w.expectSays(said, "token, whose value is known only after apply")
}

// TestActionRevokePrevious: the overlap of a rotation ends now, and the resource agrees.
func TestActionRevokePrevious(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.resource(config{rotation: trigger("1", "24h")})
	r.mustApply()
	for _, n := range []string{"2", "3"} {
		r.config.rotation = trigger(n, "24h")
		r.mustApply()
	}
	previous := r.previous()
	if len(previous) != 2 {
		t.Fatalf("previous keys %v, want two", previous)
	}
	progress, said := w.revokePrevious(r.id(), previous...)
	if len(said) != 0 || !strings.Contains(strings.Join(progress, "\n"), "2 of 2") {
		t.Errorf("said %s, progress %q", said, progress)
	}
	w.expectLive(r.id())
	r.refresh()
	if left := r.previous(); len(left) != 0 {
		t.Errorf("previous keys %v after the action, want none", left)
	}
	r.expectEmptyPlan()

	if progress, said := w.revokePrevious(r.id(), previous...); len(said) != 0 {
		t.Errorf("a second time: said %s, progress %q", said, progress)
	}
	if progress, said := w.revokePrevious(r.id()); len(said) != 0 || len(progress) != 1 {
		t.Errorf("without predecessors: said %s, progress %q", said, progress)
	}
	w.expectLive(r.id())
}

// TestActionRevokePreviousKeepsWhatWorks: nothing is revoked unless the key to keep is alive (P1).
func TestActionRevokePreviousKeepsWhatWorks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, current := w.seed("Old", "inventory:read"), w.seed("Current", "inventory:read")

	_, said := w.revokePrevious(current, old, current)
	if !said.failed() {
		t.Error("the key to keep may be among the keys to revoke")
	}
	w.expectSays(said, current+" is in ids, too")

	_, said = w.revokePrevious("key_unheard_of", old)
	w.expectSays(said, "No API key key_unheard_of", "Nothing was revoked")

	dead := w.seed("Dead", "inventory:read")
	w.must(w.api.EditKey(dead, func(key *sandbox.Key) { key.Status = "REVOKED" }))
	_, said = w.revokePrevious(dead, old)
	w.expectSays(said, dead+" is REVOKED", "Nothing was revoked")

	own := w.resource(config{scopes: []string{"admin:read", "admin:write"}})
	own.mustApply()
	w.token = own.plaintext()
	_, said = w.revokePrevious(current, old, own.id())
	w.expectSays(said, "Refusing to revoke "+own.id())
	w.expectLive(old, current, own.id())
}

// TestActionRevokePreviousInPart: a failure does not stop the others, and the error tells both.
func TestActionRevokePreviousInPart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	current := w.seed("Current", "inventory:read")
	old := []string{w.seed("Old", "inventory:read"), w.seed("Older", "inventory:read"), w.seed("Oldest", "inventory:read")}
	slices.Sort(old)
	w.api.AddFault(sandbox.Fault{Operation: "revoke", Kind: "500", Skip: 1, Times: 1})
	_, said := w.revokePrevious(current, old...)
	w.expectSays(said, "1 of 3 keys were not revoked", "Revoked: "+old[0]+", "+old[2], old[1]+": ")
	w.expectLive(current, old[1])
	if _, said := w.revokePrevious(current, old...); len(said) != 0 {
		t.Errorf("again: %s", said)
	}
	w.expectLive(current)
}
