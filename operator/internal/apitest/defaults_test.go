package apitest

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// Defaults are static and stand in the schema: what Git holds and what the cluster holds differ by these alone, and a
// GitOps tool that applies the manifest again sees no change.
func TestDefaults(t *testing.T) {
	t.Parallel()
	definitions := mustReadDefinitions(t)
	connection := "{tokenSecretRef: {name: token, key: token}, baseURL: 'https://app.betterdata.co/api', pollInterval: 5m, verify: true, mintsPerHour: 60}"
	for _, test := range []struct{ kind, spec, want string }{
		{
			"ApiKey", "scopes: [inventory:read]",
			"{scopes: [inventory:read], connectionRef: {kind: Connection, name: default}, secret: {key: api-key, type: Opaque}, deletionPolicy: Revoke, onRevoked: Reissue}",
		},
		{
			"ApiKey", "{scopes: [inventory:read], rotation: {interval: 2160h, window: {schedule: 0 2 * * 0, duration: 4h}}, connectionRef: {kind: ClusterConnection}}",
			"{scopes: [inventory:read], connectionRef: {kind: ClusterConnection, name: default}, secret: {key: api-key, type: Opaque}, deletionPolicy: Revoke, onRevoked: Reissue, " +
				"rotation: {interval: 2160h, overlap: 24h, window: {schedule: 0 2 * * 0, duration: 4h, timeZone: UTC}}}",
		},
		{"Connection", "tokenSecretRef: {name: token}", connection},
	} {
		server := mustAdmission(t, definitions[test.kind])
		object := mustObject(t, test.kind, "object", test.spec)
		server.complete(object)
		var want any
		if err := yaml.Unmarshal([]byte(test.want), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, jsonOf(t, object["spec"])); diff != "" {
			t.Errorf("%s %s: -want +got\n%s", test.kind, test.spec, diff)
		}
		again := mustObject(t, test.kind, "object", string(mustMarshal(t, object["spec"])))
		server.complete(again)
		if diff := cmp.Diff(jsonOf(t, object), jsonOf(t, again)); diff != "" {
			t.Errorf("%s: defaults of what has defaults: %s", test.kind, diff)
		}
	}
}

// The Go types fall back to the same values for objects that never passed through an API server.
func TestGoFallbacksAreTheDefaultsOfTheSchema(t *testing.T) {
	t.Parallel()
	definitions := mustReadDefinitions(t)

	object := mustObject(t, "ApiKey", "object", "{scopes: [a], rotation: {interval: 48h, window: {schedule: 0 2 * * 0, duration: 4h}}}")
	var bare, completed v1alpha1.ApiKey
	decode(t, object, &bare)
	mustAdmission(t, definitions["ApiKey"]).complete(object)
	decode(t, object, &completed)
	facts := func(k *v1alpha1.ApiKey) []any {
		kind, _, name := k.ConnectionKey()
		return []any{kind, name, k.SecretName(), k.Spec.Secret.EntryName(), k.Spec.Secret.SecretType(), k.Spec.Rotation.OverlapDuration(), k.Spec.Rotation.Window.Location()}
	}
	if diff := cmp.Diff(facts(&completed), facts(&bare)); diff != "" {
		t.Errorf("ApiKey: -schema +Go\n%s", diff)
	}

	object = mustObject(t, "Connection", "object", minimal["Connection"])
	var bareConnection, completedConnection v1alpha1.Connection
	decode(t, object, &bareConnection)
	mustAdmission(t, definitions["Connection"]).complete(object)
	decode(t, object, &completedConnection)
	connectionFacts := func(c *v1alpha1.Connection) []any {
		_, _, key := c.TokenSecret()
		s := c.Settings()
		return []any{key, s.Address(), s.Poll(), s.Verifies(), s.MintCap()}
	}
	if diff := cmp.Diff(connectionFacts(&completedConnection), connectionFacts(&bareConnection)); diff != "" {
		t.Errorf("Connection: -schema +Go\n%s", diff)
	}
}

func decode(t *testing.T, object map[string]any, into any) {
	t.Helper()
	if err := json.Unmarshal(mustMarshal(t, object), into); err != nil {
		t.Fatal(err)
	}
}

// jsonOf is a value as it comes out of JSON, where every number is a float64.
func jsonOf(t *testing.T, value any) any {
	t.Helper()
	var out any
	if err := json.Unmarshal(mustMarshal(t, value), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func mustMarshal(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
