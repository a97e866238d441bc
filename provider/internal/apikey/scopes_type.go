package apikey

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
)

// scopesType is the type of a set of scopes. It is the framework's set but for one thing: it does not look for duplicate
// elements. The framework does so at every reading and writing of the object, comparing each element with each other:
// planning a key of 500 scopes took most of a second. Terraform sends sets without duplicates, and what the API lists
// is compared by coverage, where a duplicate changes nothing.
type scopesType struct{ basetypes.SetTypable }

func newScopesType() scopesType { return scopesType{types.SetType{ElemType: types.StringType}} }

// Equal implements attr.Type. The values are the framework's own, of the framework's type.
func (t scopesType) Equal(other attr.Type) bool {
	if o, ok := other.(scopesType); ok {
		other = o.SetTypable
	}
	return t.SetTypable.Equal(other)
}
