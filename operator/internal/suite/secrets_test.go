package suite

import (
	"net/http"
	"strings"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// No level of logging shows a plaintext or a token, also not where client libraries log bodies and headers, and neither
// does an API that quotes the token in its errors. What is searched, and for what, is [world.searchSecrets].
func TestOperatorSecretsAreNowhereElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t)
	o := w.start(t, "--zap-log-level=6")
	w.newKey(t, "reader", append([]string{`secret: {publishPrevious: true, template: {".env": "KEY={{ .Key }}"}}`}, rotating...)...)
	w.awaitReady(t, "reader")
	before := w.entry(t.Context(), "reader")
	w.rotate(t, "now")
	w.awaitSettled(t, "reader")

	end := w.instead(func(rw http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("X-Request-Id", token)
		rw.WriteHeader(http.StatusUnauthorized)
		_, _ = rw.Write([]byte(`{"error":"no such token: ` + token + `, and key ` + before + `","code":"` + token + `"}`))
	})
	w.remove(t, &v1alpha1.ApiKey{}, "reader")
	w.awaitCondition(t, &v1alpha1.Connection{}, "default", v1alpha1.ConditionReady, "False", v1alpha1.ReasonTokenRejected)
	end()

	fresh := w.newToken()
	w.RevokeSessionToken(w.SessionToken())
	w.apply(t, "{apiVersion: v1, kind: Secret, metadata: {name: betterdata-token}, stringData: {token: "+fresh+"}}")
	w.awaitGone(t, &v1alpha1.ApiKey{}, "reader")
	w.awaitSettled(t)
	if !strings.Contains(o.output.String(), "reader") {
		t.Error("nothing is logged at the highest level, so nothing was searched")
	}
}
