package simulation

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// proposedNew merges prior state and configuration as core does before it asks the provider: what is configured is
// taken from the configuration, what is computed and not configured from the prior state. Prior may be null.
func proposedNew(schema *tfprotov6.Schema, prior, config tftypes.Value) tftypes.Value {
	return proposedObject(schema.Block.Attributes, prior, config)
}

func proposedObject(attributes []*tfprotov6.SchemaAttribute, prior, config tftypes.Value) tftypes.Value {
	values := map[string]tftypes.Value{}
	for _, a := range attributes {
		configured := attribute(config, a.Name)
		before := tftypes.NewValue(configured.Type(), nil)
		if !prior.IsNull() {
			before = attribute(prior, a.Name)
		}
		switch {
		case a.Computed && configured.IsNull():
			values[a.Name] = before
		case single(a) && !configured.IsNull() && configured.IsKnown():
			values[a.Name] = proposedObject(a.NestedType.Attributes, before, configured)
		default:
			values[a.Name] = configured
		}
	}
	return tftypes.NewValue(config.Type(), values)
}

func single(a *tfprotov6.SchemaAttribute) bool {
	return a.NestedType != nil && a.NestedType.Nesting == tfprotov6.SchemaObjectNestingModeSingle
}

// invalidPlan lists where a plan departs from what core lets a provider plan: configured values as configured (or, if
// computed too, as before), null where nothing is configured and nothing computed.
func invalidPlan(attributes []*tfprotov6.SchemaAttribute, prior, config, planned tftypes.Value) []string {
	var problems []string
	for _, a := range attributes {
		configured, plan := attribute(config, a.Name), attribute(planned, a.Name)
		before := tftypes.NewValue(configured.Type(), nil)
		if !prior.IsNull() && prior.IsKnown() {
			before = attribute(prior, a.Name)
		}
		switch {
		case a.Computed && configured.IsNull():
		case single(a) && !configured.IsNull() && configured.IsKnown() && !plan.IsNull() && plan.IsKnown():
			problems = append(problems, invalidPlan(a.NestedType.Attributes, before, configured, plan)...)
		case plan.Equal(configured), a.Computed && plan.Equal(before):
		default:
			problems = append(problems, fmt.Sprintf("%s: configured %s, planned %s", a.Name, configured, plan))
		}
	}
	return problems
}
