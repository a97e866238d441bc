package apikey

import (
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// A successor without our marker cannot be corrected, so that consumers stay with what they have; a rotation that is
// asked for replaces it, and does not rotate what may be somebody else's.
func TestSuccessorWithoutMarker(t *testing.T) {
	t.Parallel()
	o := seen(sealedOnly, called("k2", "Rotated key"))
	mustRest(t, decide(o, now), MarkerMissing)

	asked(&o)
	mint, ok := decide(o, now).(Mint)
	if !ok || mint.RotateID != "" || mint.Sequence != 3 || mint.Cause != CauseForced {
		t.Errorf("got %T %+v, want key 3 made by create", decide(o, now), decide(o, now))
	}

	// Without a listing nothing tells whether it has the marker, and nothing is asked of it.
	offline(&o)
	mustRest(t, decide(o, now), APIUnavailable)
}

// What has no marker goes on working for those who use it already.
func TestKeyInServiceLosesItsMarker(t *testing.T) {
	t.Parallel()
	o := seen(nameless)
	mustRest(t, decide(o, now), MarkerMissing)
	gone(&o)
	if publish, ok := decide(o, now).(Publish); !ok || publish.Sequence != 1 {
		t.Errorf("got %T, want the Secret back", decide(o, now))
	}
}

// Whoever holds a dead key loses nothing by a successor that cannot be corrected.
func TestSuccessorWithoutMarkerReplacesDeadKey(t *testing.T) {
	t.Parallel()
	o := seen(sealedOnly, called("k2", "Rotated key"), listed("k1", apiclient.StatusRevoked))
	if publish, ok := decide(o, now).(Publish); !ok || publish.Sequence != 2 {
		t.Errorf("got %T %+v, want key 2 published", decide(o, now), decide(o, now))
	}
}
