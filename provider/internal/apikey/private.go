package apikey

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

const privateKey = "issuance"

// issuance is the private data of the resource: how keys that this resource issued are recognised although the
// answer that named them was lost.
type issuance struct {
	// Marker stands in the name of each key while it is issued. Empty: name_marker was "none" from the start.
	Marker apiclient.Marker `json:"marker,omitempty"`
	// Unmarked says that a permanent marker was found missing, so a rotation has to restore it first.
	Unmarked bool `json:"unmarked,omitempty"`
}

type privateGetter interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

type privateSetter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

func loadIssuance(ctx context.Context, private privateGetter, diags *diag.Diagnostics) issuance {
	var data issuance
	raw, d := private.GetKey(ctx, privateKey)
	diags.Append(d...)
	if len(raw) == 0 {
		return data
	}
	if err := json.Unmarshal(raw, &data); err != nil {
		diags.AddError("Unreadable private data", "The provider's private data of this resource does not parse: "+err.Error())
	}
	return data
}

func (i issuance) save(ctx context.Context, private privateSetter, diags *diag.Diagnostics) {
	raw, err := json.Marshal(i)
	if err != nil {
		diags.AddError("Cannot record the key's marker", err.Error())
		return
	}
	diags.Append(private.SetKey(ctx, privateKey, raw)...)
}

// newIssuance draws a marker, whatever name_marker says: the setting may change later.
func newIssuance(diags *diag.Diagnostics) issuance {
	marker, err := apiclient.NewTerraformMarker()
	if err != nil {
		diags.AddError("Cannot draw a random marker", err.Error())
	}
	return issuance{Marker: marker}
}

// bornName is the name a key is issued under.
func (i issuance) bornName(name, mode string) string {
	if mode == markerNone || i.Marker == "" {
		return name
	}
	return i.Marker.Append(name)
}

// finalName is the name a key has once its plaintext is safe.
func (i issuance) finalName(name, mode string) string {
	if mode == markerPermanent && i.Marker != "" {
		return i.Marker.Append(name)
	}
	return name
}

// shownName is the name as the state shows it: a marker that belongs there is not drift, any other is.
func (i issuance) shownName(name, mode string) string {
	if mode == markerPermanent && i.Marker != "" && i.Marker.In(name) {
		return apiclient.StripMarkers(name)
	}
	return name
}
