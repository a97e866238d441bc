package tenant

import (
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// One request with the key itself: a key that is not known fails, one that may not list keys passes, and the
// connection's own standing is not touched.
func TestVerify(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		conn := w.open(obj)
		issued := w.mustMint(conn)
		w.mustSend(1, func() {
			if err := conn.Verify(t.Context(), issued.Plaintext); err != nil {
				t.Errorf("got %v", err)
			}
		})
		w.secrets = append(w.secrets, "bdk_live_unknown_radioactive")
		w.mustSend(1, func() {
			err := conn.Verify(t.Context(), apiclient.NewSecret("bdk_live_unknown_radioactive"))
			if !apiclient.HasCode(err, apiclient.CodeInvalidAPIKey) {
				t.Errorf("got %v", err)
			}
			w.mustHideSecrets(err.Error(), "an error")
		})
		if of, _ := w.pool.Facts(KeyOf(obj)); of.Failure != nil || of.Authentication == v1alpha1.AuthenticationRejected {
			t.Errorf("got %+v", of)
		}
		if got := w.metrics.all(); got["default verify key 401"] != 1 || got["default list keys 401"] != 0 {
			t.Errorf("the metrics were told %v", got)
		}
	})
}

func TestVerifyIsBrief(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		conn := w.open(w.connected())
		w.set(&w.hang, true)
		begun := time.Now()
		if err := conn.Verify(t.Context(), apiclient.NewSecret("new")); err == nil || time.Since(begun) != verifyTimeout {
			t.Errorf("got %v after %s", err, time.Since(begun))
		}
	})
}

func TestVerifyIsTurnedOff(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		obj := w.connected()
		mustChange(w, obj, func(obj *v1alpha1.Connection) { obj.Spec.Verify = new(bool) })
		conn := w.open(obj)
		w.mustSend(0, func() {
			if err := conn.Verify(t.Context(), apiclient.NewSecret("unknown")); err != nil {
				t.Errorf("got %v", err)
			}
		})
	})
}
