package apikey

import (
	"context"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// memoryPrivate is private data as the framework keeps it.
type memoryPrivate map[string][]byte

func (p memoryPrivate) GetKey(_ context.Context, key string) ([]byte, diag.Diagnostics) {
	return p[key], nil
}

func (p memoryPrivate) SetKey(_ context.Context, key string, value []byte) diag.Diagnostics {
	p[key] = value
	return nil
}

func TestIssuanceRoundTrip(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]issuance{
		"nothing":  {},
		"marker":   {Marker: testMarker},
		"unmarked": {Marker: testMarker, Unmarked: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			private, diags := memoryPrivate{}, diag.Diagnostics{}
			want.save(t.Context(), private, &diags)
			got := loadIssuance(t.Context(), private, &diags)
			mustNot(t, diags)
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestLoadIssuance(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		raw    []byte
		want   issuance
		errors int
	}{
		"no private data":          {nil, issuance{}, 0},
		"empty":                    {[]byte{}, issuance{}, 0},
		"of a later version":       {[]byte(`{"marker":"tf:1a2b3c4d","more":{"x":1}}`), issuance{Marker: testMarker}, 0},
		"broken: an error, no key": {[]byte(`{"marker":`), issuance{}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			diags := diag.Diagnostics{}
			got := loadIssuance(t.Context(), memoryPrivate{privateKey: tc.raw}, &diags)
			expectDiagnostics(t, diags, tc.errors, 0)
			if got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

// TestNewIssuance: a marker is drawn for each object; two alike would make one revoke the other's key.
func TestNewIssuance(t *testing.T) {
	t.Parallel()
	seen := map[apiclient.Marker]bool{}
	for range 1000 {
		diags := diag.Diagnostics{}
		marker := newIssuance(&diags).Marker
		mustNot(t, diags)
		if found := apiclient.MarkersIn(marker.Append("x")); len(found) != 1 || found[0] != marker {
			t.Fatalf("%q is no well-formed marker", marker)
		}
		if seen[marker] {
			t.Fatalf("%q was drawn twice in 1000", marker)
		}
		seen[marker] = true
	}
}

func TestNamesByMode(t *testing.T) {
	t.Parallel()
	const plain, marked = "Forecast", "Forecast [tf:1a2b3c4d]"
	with, without := issuance{Marker: testMarker}, issuance{}
	for name, tc := range map[string]struct {
		issuing     issuance
		mode        string
		born, final string
		// as the state shows the plain and the marked name
		shownPlain, shownMarked string
	}{
		"temporary":                 {with, markerTemporary, marked, plain, plain, marked},
		"permanent":                 {with, markerPermanent, marked, marked, plain, plain},
		"none":                      {with, markerNone, plain, plain, plain, marked},
		"temporary, without marker": {without, markerTemporary, plain, plain, plain, marked},
		"permanent, without marker": {without, markerPermanent, plain, plain, plain, marked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := []string{
				tc.issuing.bornName(plain, tc.mode), tc.issuing.finalName(plain, tc.mode),
				tc.issuing.shownName(plain, tc.mode), tc.issuing.shownName(marked, tc.mode),
			}
			for i, want := range []string{tc.born, tc.final, tc.shownPlain, tc.shownMarked} {
				if got[i] != want {
					t.Errorf("%s = %q, want %q", []string{"born", "final", "shown plain", "shown marked"}[i], got[i], want)
				}
			}
		})
	}
}
