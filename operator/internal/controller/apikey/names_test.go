package apikey

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// TestNames holds names to their limits, and two long names with a common beginning apart.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, length := range []int{1, 60, 100, 200, 230, 253} {
		one, two := strings.Repeat("a", length)+"x", strings.Repeat("a", length)+"y"
		for _, display := range []string{one, strings.Repeat("ä", length)} {
			if key := KeyName(display, ours); utf8.RuneCountInString(key) > keyNameLimit || !ours.In(key) {
				t.Errorf("%q of %d characters", key, utf8.RuneCountInString(key))
			}
		}
		if KeyName(one, ours) == KeyName(two, ours) || LedgerName(one, "uid", 1) == LedgerName(two, "uid", 1) {
			t.Errorf("two names of %d characters collide", length)
		}
		ledger := LedgerName(one[:min(len(one), 253)], "uid", 4711)
		if problems := validation.IsDNS1123Subdomain(ledger); len(problems) > 0 || !IsLedgerName(ledger) {
			t.Errorf("%s: %v", ledger, problems)
		}
	}
	if LedgerName("a", "uid-1", 1) == LedgerName("a", "uid-2", 1) {
		t.Error("an ApiKey made again has the ledgers of the former one")
	}
	for _, innocent := range []string{"reader", "bdk-1", "a-0123456-bdk-1", "a-01234567-bdk-x"} {
		if IsLedgerName(innocent) {
			t.Errorf("%s is no ledger's name", innocent)
		}
	}
}

// TestNothingRendersPlaintext is P5: neither records nor observations nor errors show a key.
func TestNothingRendersPlaintext(t *testing.T) {
	t.Parallel()
	const secret = "bdk_live_abc_verysecret"
	r := &Resource{Object: Object{Name: "reader"}, Settings: Settings{TargetKey: "api-key"}}
	l := LedgerRecord{Sequence: 1, ID: "k1", Plaintext: apiclient.NewSecret(secret)}
	r.Secret.Template = map[string]string{"ok": "{{ .Key }}", "bad": `{{ index .Key 9999 }}`}
	_, err := r.render(l)
	if err == nil {
		t.Fatal("an impossible template was rendered")
	}
	rendered := fmt.Sprintf("%v %+v %#v %v %+v", l, l, l, err, r.ledger(l))
	if strings.Contains(rendered, "verysecret") {
		t.Errorf("shows the key: %s", rendered)
	}
	r.Secret.Template = map[string]string{"ok": "K={{ .Key }} {{ .KeyID }} {{ .Name }}"}
	entries, err := r.render(l)
	if err != nil || entries["ok"].Reveal() != "K="+secret+" k1 reader" || entries["api-key"].Reveal() != secret {
		t.Errorf("%v, %v", entries, err)
	}
}

// An address is not rendered as an empty one because the Connection is gone.
func TestRenderWithoutConnection(t *testing.T) {
	t.Parallel()
	r := &Resource{Settings: Settings{TargetKey: "api-key"}, Secret: SecretSpec{Template: map[string]string{"url": "{{ .BaseURL }}/v1"}}}
	l := LedgerRecord{Sequence: 1, ID: "k1", Plaintext: apiclient.NewSecret("bdk_live_abc_verysecret")}
	if _, err := r.render(l); err == nil || !strings.Contains(err.Error(), "secret.template[url]") || !strings.Contains(err.Error(), "Connection") {
		t.Errorf("without a Connection: %v", err)
	}
	r.BaseURL = "https://example.com/api"
	if entries, err := r.render(l); err != nil || entries["url"].Reveal() != "https://example.com/api/v1" {
		t.Errorf("%v, %v", entries, err)
	}
}
