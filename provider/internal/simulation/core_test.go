package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/provider"
)

const resourceType = "betterdata_api_key"

// instance is a resource as the state file holds it. A nil *instance is one that is not in the state.
type instance struct {
	value    tftypes.Value
	private  []byte
	identity *tfprotov6.ResourceIdentityData
	tainted  bool
}

type action string

const (
	noop    action = "no-op"
	create  action = "create"
	update  action = "update"
	replace action = "replace"
	destroy action = "delete"
)

// change is a planned change.
type change struct {
	action  action
	prior   *instance
	config  tftypes.Value
	planned tftypes.Value
	private []byte
	// identity is the planned one: what it was before the change.
	identity *tfprotov6.ResourceIdentityData
}

// diagnostics are what one operation had to say.
type diagnostics []*tfprotov6.Diagnostic

func (d diagnostics) failed() bool { return len(d.of(tfprotov6.DiagnosticSeverityError)) > 0 }

func (d diagnostics) warnings() []string { return d.of(tfprotov6.DiagnosticSeverityWarning) }

func (d diagnostics) of(severity tfprotov6.DiagnosticSeverity) []string {
	var texts []string
	for _, one := range d {
		if one.Severity == severity {
			texts = append(texts, one.Summary+": "+one.Detail)
		}
	}
	return texts
}

func (d diagnostics) String() string {
	var b strings.Builder
	for _, one := range d {
		fmt.Fprintf(&b, "%s %s: %s\n", one.Severity, one.Summary, one.Detail)
	}
	return b.String()
}

// walk is one configured provider, as core starts one for each plan and each apply.
type walk struct {
	t      *testing.T
	ctx    context.Context
	world  *world
	server tfprotov6.ProviderServer
	schema *tfprotov6.Schema
}

// newWalk starts and configures a provider. Values of settings override those that point it at the world.
func (w *world) newWalk(settings map[string]tftypes.Value) (*walk, diagnostics) {
	w.t.Helper()
	server, err := providerserver.NewProtocol6WithError(provider.New("test", w.options...)())()
	w.must(err)
	k := &walk{t: w.t, ctx: w.ctx, world: w, server: server}
	schemas, err := server.GetProviderSchema(k.ctx, &tfprotov6.GetProviderSchemaRequest{})
	w.must(err)
	k.schema = schemas.ResourceSchemas[resourceType]

	values := map[string]tftypes.Value{
		"base_url":   tftypes.NewValue(tftypes.String, w.server.URL+"/api"),
		"token":      tftypes.NewValue(tftypes.String, w.token),
		"token_file": tftypes.NewValue(tftypes.String, nil),
	}
	for name, value := range settings {
		values[name] = value
	}
	resp, err := server.ConfigureProvider(k.ctx, &tfprotov6.ConfigureProviderRequest{
		TerraformVersion:   "1.11.4",
		Config:             k.dynamic(tftypes.NewValue(schemas.Provider.ValueType(), values)),
		ClientCapabilities: &tfprotov6.ConfigureProviderClientCapabilities{},
	})
	w.must(err)
	return k, k.said(resp.Diagnostics)
}

// said checks what every answer must keep: no diagnostic shows a secret (P5).
func (k *walk) said(d diagnostics) diagnostics {
	k.t.Helper()
	k.world.noSecretIn("a diagnostic", d.String())
	return d
}

func (k *walk) null() tftypes.Value { return tftypes.NewValue(k.schema.ValueType(), nil) }

func (k *walk) dynamic(v tftypes.Value) *tfprotov6.DynamicValue {
	k.t.Helper()
	d, err := tfprotov6.NewDynamicValue(v.Type(), v)
	k.world.must(err)
	return &d
}

func (k *walk) static(d *tfprotov6.DynamicValue) tftypes.Value {
	k.t.Helper()
	if d == nil {
		return k.null()
	}
	v, err := d.Unmarshal(k.schema.ValueType())
	k.world.must(err)
	return v
}

// identified is the id in an identity; empty when there is none.
func (k *walk) identified(data *tfprotov6.ResourceIdentityData) string {
	k.t.Helper()
	if data == nil || data.IdentityData == nil {
		return ""
	}
	v, err := data.IdentityData.Unmarshal(tftypes.Object{AttributeTypes: map[string]tftypes.Type{"id": tftypes.String}})
	k.world.must(err)
	return text(v, "id")
}

func (k *walk) validate(config tftypes.Value) diagnostics {
	k.t.Helper()
	resp, err := k.server.ValidateResourceConfig(k.ctx, &tfprotov6.ValidateResourceConfigRequest{
		TypeName: resourceType, Config: k.dynamic(config), ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{},
	})
	k.world.must(err)
	return k.said(resp.Diagnostics)
}

// read refreshes. After an error the instance stays as it was.
func (k *walk) read(prior *instance) (*instance, diagnostics) {
	k.t.Helper()
	if prior == nil {
		return nil, nil
	}
	resp, err := k.server.ReadResource(k.ctx, &tfprotov6.ReadResourceRequest{
		TypeName: resourceType, CurrentState: k.dynamic(prior.value), Private: prior.private, CurrentIdentity: prior.identity,
		ClientCapabilities: &tfprotov6.ReadResourceClientCapabilities{},
	})
	k.world.must(err)
	said := k.said(resp.Diagnostics)
	if said.failed() {
		return prior, said
	}
	value := k.static(resp.NewState)
	if value.IsNull() {
		return nil, said
	}
	if !value.IsFullyKnown() {
		k.t.Errorf("a refresh left unknown values: %s", value)
	}
	return k.saved(&instance{value: value, private: resp.Private, identity: resp.NewIdentity, tainted: prior.tainted}), said
}

// saved checks what may stand in a state file: the plaintext in its one attribute, and nowhere else (P5), and the
// identity of the key that the state holds.
func (k *walk) saved(i *instance) *instance {
	k.t.Helper()
	for name, value := range members(i.value) {
		if name != "plaintext_key" {
			k.world.noSecretIn("attribute "+name, value.String())
		}
	}
	var private map[string][]byte // the framework writes each value in base64
	if len(i.private) > 0 {
		k.world.must(json.Unmarshal(i.private, &private))
	}
	for name, value := range private {
		k.world.noSecretIn("private data "+name, string(value))
	}
	if got, want := k.identified(i.identity), text(i.value, "id"); got != want {
		k.t.Errorf("the identity is %q, the id %q", got, want)
	}
	return i
}

// plan plans a change as core does; config null means destroy. A tainted object is planned like a new one, without
// its private data, and replaced.
func (k *walk) plan(prior *instance, config tftypes.Value) (change, diagnostics) {
	k.t.Helper()
	c := change{prior: prior, config: config}
	before, private, identity := k.null(), []byte(nil), (*tfprotov6.ResourceIdentityData)(nil)
	if prior != nil && (!prior.tainted || config.IsNull()) {
		before, private, identity = prior.value, prior.private, prior.identity
	}
	proposed := k.null()
	if !config.IsNull() {
		proposed = proposedNew(k.schema, before, config)
	}
	resp, err := k.server.PlanResourceChange(k.ctx, &tfprotov6.PlanResourceChangeRequest{
		TypeName: resourceType, PriorState: k.dynamic(before), ProposedNewState: k.dynamic(proposed), Config: k.dynamic(config),
		PriorPrivate: private, PriorIdentity: identity, ClientCapabilities: &tfprotov6.PlanResourceChangeClientCapabilities{},
	})
	k.world.must(err)
	said := k.said(resp.Diagnostics)
	if said.failed() {
		return c, said
	}
	c.planned, c.private, c.identity = k.static(resp.PlannedState), resp.PlannedPrivate, resp.PlannedIdentity
	if identity != nil && !config.IsNull() && k.identified(c.identity) != k.identified(identity) {
		k.t.Errorf("planned another identity, %q instead of %q: core refuses that", k.identified(c.identity), k.identified(identity))
	}
	if len(resp.RequiresReplace) > 0 {
		k.t.Errorf("the provider asks for a replacement: %v", resp.RequiresReplace)
	}
	c.action = k.actionOf(c, before)
	if !config.IsNull() {
		for _, problem := range invalidPlan(k.schema.Block.Attributes, before, config, c.planned) {
			k.t.Errorf("invalid plan: %s", problem)
		}
	}
	return c, said
}

func (k *walk) actionOf(c change, before tftypes.Value) action {
	switch {
	case c.config.IsNull() && c.prior == nil:
		return noop
	case c.config.IsNull():
		return destroy
	case c.prior != nil && c.prior.tainted:
		return replace
	case before.IsNull():
		return create
	case c.planned.Equal(before):
		return noop
	}
	return update
}

// apply carries a planned change out as core does. The configuration is the one known at apply; what was unknown when
// the change was planned has a value in it.
func (k *walk) apply(c change, config tftypes.Value) (*instance, diagnostics) {
	k.t.Helper()
	switch c.action {
	case noop:
		return c.prior, nil
	case destroy:
		return k.applyPlanned(c, k.null())
	case replace:
		// Core passes the private data of the planned create to the destroy, not that of the object.
		left, said := k.applyPlanned(change{action: destroy, prior: c.prior, planned: k.null(), private: c.private}, k.null())
		if said.failed() || k.world.killed() {
			return left, said
		}
		made, more := k.apply(change{action: create, planned: c.planned}, config)
		return made, append(said, more...)
	case create, update:
	}
	again, said := k.plan(c.prior, config)
	if said.failed() {
		return c.prior, said
	}
	// What was unknown may turn out to be what it was: core lets an update become nothing.
	if again.action != c.action && (c.action != update || again.action != noop) {
		k.t.Errorf("inconsistent final plan: %s became %s", c.action, again.action)
	}
	for _, problem := range incompatible("final plan", c.planned, again.planned) {
		k.t.Errorf("inconsistent final plan: %s", problem)
	}
	if again.action == noop {
		return c.prior, said
	}
	result, more := k.applyPlanned(again, config)
	return result, append(said, more...)
}

func (k *walk) applyPlanned(c change, config tftypes.Value) (*instance, diagnostics) {
	k.t.Helper()
	before := k.null()
	if c.prior != nil {
		before = c.prior.value
	}
	resp, err := k.server.ApplyResourceChange(k.ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: resourceType, PriorState: k.dynamic(before), PlannedState: k.dynamic(c.planned), Config: k.dynamic(config), PlannedPrivate: c.private,
		PlannedIdentity: c.identity,
	})
	k.world.must(err)
	said := k.said(resp.Diagnostics)
	result := k.static(resp.NewState)
	if !result.IsFullyKnown() {
		k.t.Errorf("an apply left unknown values: %s", result)
	}
	if !said.failed() {
		k.checkResult(c, result)
	}
	if result.IsNull() {
		if said.failed() {
			return c.prior, said
		}
		return nil, said
	}
	tainted := said.failed() && (c.action == create || c.prior != nil && c.prior.tainted)
	return k.saved(&instance{value: result, private: resp.Private, identity: resp.NewIdentity, tainted: tainted}), said
}

func (k *walk) checkResult(c change, result tftypes.Value) {
	k.t.Helper()
	if (c.action == destroy) != result.IsNull() {
		k.t.Errorf("the %s returned null: %t", c.action, result.IsNull())
		return
	}
	for _, problem := range incompatible("result", c.planned, result) {
		k.t.Errorf("inconsistent result after apply: %s", problem)
	}
}

// importState imports by id, as core does: the imported object is refreshed at once.
func (k *walk) importState(id string) (*instance, diagnostics) {
	k.t.Helper()
	resp, err := k.server.ImportResourceState(k.ctx, &tfprotov6.ImportResourceStateRequest{
		TypeName: resourceType, ID: id, ClientCapabilities: &tfprotov6.ImportResourceStateClientCapabilities{},
	})
	k.world.must(err)
	said := k.said(resp.Diagnostics)
	if said.failed() || len(resp.ImportedResources) != 1 {
		return nil, said
	}
	one := resp.ImportedResources[0]
	read, more := k.read(&instance{value: k.static(one.State), private: one.Private, identity: one.Identity})
	return read, append(said, more...)
}
