package tenant

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// P5: whatever goes wrong, no token and no plaintext is in an error, a report, a state or the log, with any verb.
func TestNoSecretIsTold(t *testing.T) {
	t.Parallel()
	for _, kind := range sandbox.FaultKinds() {
		t.Run(string(kind), func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				obj := w.connected()
				w.api.AddFault(sandbox.Fault{Kind: kind, Latency: time.Second})
				issued, err := w.open(obj).CreateKey(t.Context(), apiclient.CreateKeyRequest{Name: "n", Scopes: []string{"inventory:read"}})
				told := []any{err}
				if issued != nil {
					told = append(told, issued, w.open(obj).Verify(t.Context(), issued.Plaintext))
				}
				elapse(longestRefusal)
				_, err = w.open(obj).RotateKey(t.Context(), "key_1")
				told = append(told, err)
				elapse(longestRefusal)
				told = append(told, w.open(obj).RevokeKey(t.Context(), "key_1"))
				elapse(longestRefusal)
				report, err := w.pool.Poll(t.Context(), obj, time.Nanosecond)
				told = append(told, report, err, w.open(obj), w.mustState(w.open(obj)))
				if of, known := w.pool.Facts(KeyOf(obj)); known {
					told = append(told, of, of.Failure)
				}
				for _, value := range told {
					for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%x"} {
						w.mustHideSecrets(fmt.Sprintf(verb, value), "a value by "+verb)
					}
				}
				if !strings.Contains(w.log.String(), "connection=Connection/shop/default") {
					t.Error("the log does not tell whose requests it is about")
				}
			})
		})
	}
}
