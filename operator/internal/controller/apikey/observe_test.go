package apikey

import (
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// A key whose entry the settings have renamed is recognized, whatever somebody has put under the new name.
func TestHolderOfRenamedEntry(t *testing.T) {
	t.Parallel()
	key := apiclient.NewSecret("bdk_live_k1_secret")
	s := &scene{resource: &Resource{Settings: Settings{TargetKey: "token"}}, ledgers: []LedgerRecord{{ID: "k1", Plaintext: key}}}
	for title, data := range map[string]map[string]apiclient.Secret{
		"renamed":             {"api-key": key},
		"renamed and damaged": {"api-key": key, "token": apiclient.NewSecret("garbage")},
	} {
		if id, entry := s.holder(TargetRecord{Controlled: true, Data: data}); id != "k1" || entry != "api-key" {
			t.Errorf("%s: key %q in entry %q", title, id, entry)
		}
	}
	for title, record := range map[string]TargetRecord{
		"of somebody else":     {Data: map[string]apiclient.Secret{"token": key}},
		"the previous key":     {Controlled: true, Data: map[string]apiclient.Secret{previousPrefix + "token": key}},
		"nothing that we know": {Controlled: true, Data: map[string]apiclient.Secret{"token": apiclient.NewSecret("garbage")}},
	} {
		if id, _ := s.holder(record); id != "" {
			t.Errorf("%s: key %q", title, id)
		}
	}
}
