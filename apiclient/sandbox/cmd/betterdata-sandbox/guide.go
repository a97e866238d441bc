package main

import (
	"cmp"
	"fmt"
	"io"
)

// guide is what a user needs to know once the listeners are open.
type guide struct {
	api, management string // host:port
	tokenFile       string
}

// printGuide writes the instructions. The session token itself is never printed.
func printGuide(w io.Writer, s settings, g guide) {
	state, ending := "in memory", "all keys are lost"
	if s.store != "" {
		state, ending = s.store, "the keys stay in "+s.store
	}
	management := "off"
	if g.management != "" {
		management = "http://" + g.management
	}
	// A closed stdout is no reason to end: the listeners are open.
	_, _ = fmt.Fprintf(w, guideText, g.api, management, state, cmp.Or(s.dialect.String(), "the vendor's page"), s.quota,
		g.tokenFile, g.api, g.tokenFile, g.api, g.tokenFile, ending)
}

const guideText = `Better Data sandbox. NOT FOR PRODUCTION: the data is invented, the keys open nothing but this process,
anybody who reaches the management listener can revoke them or inject faults.

  API            http://%s/api
  management     %s
  state          %s
  dialect        %s
  quota          %s for each credential
  session token  %s

Create a key, as on the vendor's page:

  curl -X POST "http://%s/api/admin/api-keys" \
    -H "Authorization: Bearer $(cat '%s')" \
    -H "Content-Type: application/json" \
    -d '{"name": "Production API Key", "scopes": ["inventory:read", "forecast:read"]}'

Manage keys with Terraform or OpenTofu:

  export BETTERDATA_BASE_URL='http://%s/api'
  export BETTERDATA_TOKEN_FILE='%s'

Ctrl-C ends it; %s.
`
