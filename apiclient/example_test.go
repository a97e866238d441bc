package apiclient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// startAPI stands in for the real API with the vendor's documented answers.
func startAPI() *httptest.Server {
	const key = `{"id":"key_123","name":"Production API Key","keyPrefix":"bdk_live_ABC123","last4":"XYZ1",` +
		`"scopes":["inventory:read","forecast:read"],"status":"ACTIVE","createdAt":"2024-01-01T00:00:00Z"}`
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/key_404/rotate"):
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"error":"no such key"}`)
		case r.Method == http.MethodGet:
			_, _ = io.WriteString(w, `{"apiKeys":[`+key+`],"pagination":{"page":1,"pageSize":100,"total":1,"totalPages":1}}`)
		default:
			_, _ = io.WriteString(w, `{"apiKey":`+key+`,"plaintextKey":"bdk_live_ABC123_randomXYZ1"}`)
		}
	}))
}

func newClient(baseURL string, opts ...apiclient.Option) *apiclient.Client {
	client, err := apiclient.New(append([]apiclient.Option{
		apiclient.WithBaseURL(baseURL),
		apiclient.WithTokenSource(apiclient.StaticToken(apiclient.NewSecret("session-token"))),
	}, opts...)...)
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func Example() {
	api := startAPI()
	defer api.Close()
	client := newClient(api.URL)

	issued, err := client.CreateKey(context.Background(), apiclient.CreateKeyRequest{
		Name:   "Production API Key",
		Scopes: []string{"inventory:read", "forecast:read"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(issued.ID, issued.Status)
	fmt.Println(issued.Plaintext)               // redacts itself
	fmt.Println(len(issued.Plaintext.Reveal())) // the only way to the value
	// Output:
	// key_123 ACTIVE
	// [REDACTED]
	// 26
}

func ExampleClient_AllKeys() {
	api := startAPI()
	defer api.Close()
	client := newClient(api.URL)

	for key, err := range client.AllKeys(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(key.ID, key.Name, key.Scopes)
	}
	// Output: key_123 Production API Key [inventory:read forecast:read]
}

func ExampleClient_ListKeys() {
	api := startAPI()
	defer api.Close()
	client := newClient(api.URL)

	page, err := client.ListKeys(context.Background(), apiclient.ListOptions{Page: 1, Limit: 50})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(page.Keys))
	// Output: 1
}

func ExampleClient_UpdateKey() {
	api := startAPI()
	defer api.Close()
	client := newClient(api.URL)

	result, err := client.UpdateKey(context.Background(), "key_123", apiclient.UpdateKeyRequest{
		Name:   "Production API Key",
		Scopes: []string{"inventory:read", "forecast:read"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Key.Name, result.Echoed)
	// Output: Production API Key true
}

// A rotation loses no key: the old one is revoked only when the new plaintext is durable.
func ExampleClient_RotateKey() {
	api := startAPI()
	defer api.Close()
	client := newClient(api.URL)
	ctx := context.Background()

	const oldID = "key_122"
	issued, err := client.RotateKey(ctx, oldID)
	if err != nil {
		log.Fatal(err)
	}
	// ... make issued.Plaintext durable, let its users take it over ...
	if issued.ID != oldID {
		if err := client.RevokeKey(ctx, oldID); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(oldID, "gave way to", issued.ID)
	// Output: key_122 gave way to key_123
}

// The three kinds of errors of create and rotate.
func ExampleClient_RotateKey_errors() {
	api := startAPI()
	defer api.Close()
	client := newClient(api.URL)

	_, err := client.RotateKey(context.Background(), "key_404")
	switch {
	case errors.Is(err, apiclient.ErrOutcomeUnknown):
		fmt.Println("a key may live whose plaintext nobody has: find it by its marker and revoke it")
	case errors.Is(err, apiclient.ErrNotExecuted):
		fmt.Println("nothing happened: try again later")
	case err != nil:
		e, _ := errors.AsType[*apiclient.Error](err)
		fmt.Println("refused with status", e.Status)
	}
	// Output: refused with status 404
}

// A shared view costs one listing, however many read it.
func ExampleDirectory() {
	api := startAPI()
	defer api.Close()
	directory := newClient(api.URL).Directory()

	for range 100 {
		view, err := directory.View(context.Background(), apiclient.Freshness{MaxAge: time.Minute})
		if err != nil {
			log.Fatal(err)
		}
		if key, ok := view.Get("key_123"); !ok || !key.Live() {
			log.Fatal("gone")
		}
	}
	absent, _, err := directory.Absent(context.Background(), "key_7", apiclient.Freshness{})
	fmt.Println(absent, err)
	// Output: true <nil>
}

// Waiting for quota does not use up the time allowed for requests.
func ExampleWithTimeBudget() {
	api := startAPI()
	defer api.Close()
	client := newClient(api.URL, apiclient.WithWaitNotify(func(_ context.Context, w apiclient.Wait) {
		fmt.Println(w.Op, "waits for", w.Reason)
	}))

	ctx := apiclient.WithTimeBudget(context.Background(), 5*time.Minute)
	fmt.Println(client.RevokeKey(apiclient.WithPriority(ctx, apiclient.PriorityRevoke), "key_123"))
	// Output: <nil>
}

// A client that never waits says when to come back instead.
func ExampleWithNonBlockingQuota() {
	api := startAPI()
	defer api.Close()
	client := newClient(api.URL, apiclient.WithNonBlockingQuota(), apiclient.WithQuota(apiclient.Quota{PerMinute: 1}))

	fmt.Println(client.RevokeKey(context.Background(), "key_123"))
	err := client.RevokeKey(context.Background(), "key_124")
	if quota, ok := errors.AsType[*apiclient.QuotaError](err); ok {
		fmt.Println("come back in about", time.Until(quota.RetryAt).Round(time.Minute), "because of", quota.Reason)
	}
	// Output:
	// <nil>
	// come back in about 1m0s because of the configured quota (1 a minute)
}
