package simulation

import (
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// config is what a user writes. Zero fields are not written, except name and scopes, which have defaults.
type config struct {
	name     string
	scopes   []string
	rotation *rotation

	onDestroy, onRevoked, nameMarker string
	rotateOnImport                   bool
	recipient                        string // of age_recipients

	// unknown names attributes whose values are known only after apply.
	unknown []string
}

type rotation struct {
	interval, overlap string
	triggers          map[string]string
	unknownTriggers   bool
}

func optional(s string) tftypes.Value {
	if s == "" {
		return tftypes.NewValue(tftypes.String, nil)
	}
	return tftypes.NewValue(tftypes.String, s)
}

// value is the configuration as core sends it.
func (c config) value(of tftypes.Object) tftypes.Value {
	if c.name == "" {
		c.name = "Forecast"
	}
	if c.scopes == nil {
		c.scopes = []string{"inventory:read"}
	}
	values := map[string]tftypes.Value{}
	for name, kind := range of.AttributeTypes {
		values[name] = tftypes.NewValue(kind, nil)
	}
	scopes := make([]tftypes.Value, 0, len(c.scopes))
	for _, s := range c.scopes {
		scopes = append(scopes, tftypes.NewValue(tftypes.String, s))
	}
	values["name"] = tftypes.NewValue(tftypes.String, c.name)
	values["scopes"] = tftypes.NewValue(of.AttributeTypes["scopes"], scopes)
	values["on_destroy"], values["on_revoked"], values["name_marker"] = optional(c.onDestroy), optional(c.onRevoked), optional(c.nameMarker)
	if c.rotateOnImport {
		values["rotate_on_import"] = tftypes.NewValue(tftypes.Bool, true)
	}
	if c.recipient != "" {
		values["age_recipients"] = tftypes.NewValue(of.AttributeTypes["age_recipients"], []tftypes.Value{tftypes.NewValue(tftypes.String, c.recipient)})
	}
	if c.rotation != nil {
		values["rotation"] = c.rotation.value(of.AttributeTypes["rotation"])
	}
	for _, name := range c.unknown {
		values[name] = tftypes.NewValue(of.AttributeTypes[name], tftypes.UnknownValue)
	}
	return tftypes.NewValue(of, values)
}

func (r rotation) value(of tftypes.Type) tftypes.Value {
	kind := tftypes.Map{ElementType: tftypes.String}
	triggers := tftypes.NewValue(kind, nil)
	if r.triggers != nil {
		entries := map[string]tftypes.Value{}
		for name, value := range r.triggers {
			entries[name] = tftypes.NewValue(tftypes.String, value)
		}
		triggers = tftypes.NewValue(kind, entries)
	}
	if r.unknownTriggers {
		triggers = tftypes.NewValue(kind, tftypes.UnknownValue)
	}
	return tftypes.NewValue(of, map[string]tftypes.Value{
		"interval": optional(r.interval), "overlap": optional(r.overlap), "triggers": triggers,
	})
}

// trigger is a rotation by trigger alone, with an overlap.
func trigger(value, overlap string) *rotation {
	return &rotation{overlap: overlap, triggers: map[string]string{"n": value}}
}
