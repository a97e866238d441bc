package sandbox_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// The server loses its answer after it has created a key: what a client does then is what you want to test.
func Example() {
	server, err := sandbox.New(sandbox.WithSeed(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	api := httptest.NewServer(server.API())
	defer api.Close()
	server.AddFault(sandbox.Fault{Operation: sandbox.OpCreate, Kind: sandbox.FaultCutAfterCommit, Times: 1})

	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, api.URL+"/api/admin/api-keys",
		strings.NewReader(`{"name":"Production API Key","scopes":["inventory:read"]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+server.SessionToken())
	if _, err := api.Client().Do(req); err != nil { //nolint:bodyclose // there is no answer
		fmt.Println("no answer")
	}
	fmt.Println("live keys:", len(server.LiveKeys()))
	// Output:
	// no answer
	// live keys: 1
}
