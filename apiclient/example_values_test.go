package apiclient_test

import (
	"errors"
	"fmt"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

func ExampleSecret() {
	secret := apiclient.NewSecret("bdk_live_ABC123_0123456789")
	fmt.Printf("%v %+v %#v %s\n", secret, secret, secret, secret)
	fmt.Println(secret.Equal(apiclient.NewSecret("bdk_live_ABC123_0123456789")), len(secret.Reveal()))
	// Output:
	// [REDACTED] [REDACTED] [REDACTED] [REDACTED]
	// true 26
}

func ExampleError() {
	err := fmt.Errorf("set up the shop: %w", &apiclient.Error{
		Op: apiclient.OpUpdate, KeyID: "key_123", Status: 403, Code: apiclient.CodeInsufficientScope,
		Message: "Key lacks required scope", RequestID: "req_9",
	})
	fmt.Println(err)
	fmt.Println(apiclient.IsForbidden(err), apiclient.HasCode(err, apiclient.CodeInsufficientScope))
	if e, ok := errors.AsType[*apiclient.Error](err); ok {
		fmt.Println(e.KeyID)
	}
	// Output:
	// set up the shop: update key key_123: HTTP 403 Forbidden, INSUFFICIENT_SCOPE: Key lacks required scope; request req_9
	// true true
	// key_123
}

func ExampleCodes() {
	for _, info := range apiclient.Codes() {
		fmt.Println(info.Status, info.Code)
	}
	// Output:
	// 401 MISSING_AUTHORIZATION
	// 401 INVALID_API_KEY
	// 401 REVOKED_API_KEY
	// 401 EXPIRED_API_KEY
	// 403 INACTIVE_ORGANIZATION
	// 403 IP_RESTRICTED
	// 403 INSUFFICIENT_SCOPE
}

func ExampleMarker() {
	marker := apiclient.Marker("tf:1a2b3c4d")
	name := marker.Append("Forecast reader")
	fmt.Println(name)
	fmt.Println(marker.In(name), apiclient.StripMarkers(name))
	// Output:
	// Forecast reader [tf:1a2b3c4d]
	// true Forecast reader
}

func ExampleMarker_AppendWithin() {
	marker := apiclient.KubernetesMarker("5f0c1ae0-90b7-4c5c-8ff3-0b6f1e4a7d11", "123e4567-e89b-12d3-a456-426614174000")
	fmt.Println(marker.AppendWithin("a-namespace-with-a-long-name/and-an-object-too", 60))
	// Output:
	// a-namespace-with-a-long-87017789 [k8s:13c38d9e:123e4567e89b]
}

func ExampleAllows() {
	granted := []string{"inventory:*", "forecast:read"}
	fmt.Println(apiclient.Allows(granted, "inventory:write"))
	fmt.Println(apiclient.Allows(granted, "forecast:write"))
	// Output:
	// true
	// false
}

func ExampleSameCoverage() {
	single := []string{"inventory:read", "inventory:write"}
	wildcard := []string{"inventory:*"}
	fmt.Println("the server expanded the wildcard:", apiclient.SameCoverage(wildcard, single))
	fmt.Println("the server granted a wildcard instead:", apiclient.SameCoverage(single, wildcard))
	// Output:
	// the server expanded the wildcard: true
	// the server granted a wildcard instead: false
}

func ExampleSuggestScope() {
	for _, scope := range []string{"inventory.read", "inventroy:write", "Forecasting", "transfers:read"} {
		if suggestion, ok := apiclient.SuggestScope(scope); ok {
			fmt.Printf("%s: did you mean %s?\n", scope, suggestion)
		} else {
			fmt.Printf("%s: not known\n", scope)
		}
	}
	// Output:
	// inventory.read: did you mean inventory:read?
	// inventroy:write: did you mean inventory:write?
	// Forecasting: did you mean forecast:read?
	// transfers:read: not known
}
