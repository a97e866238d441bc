package apikey

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// TestTemplatesAreBounded: whoever may write ApiKeys must not be able to end the operator, or to keep it busy.
func TestTemplatesAreBounded(t *testing.T) {
	t.Parallel()
	nested := strings.Repeat("{{if 1}}", 500) + `{{template "a"}}` + strings.Repeat("{{end}}", 500)
	for name, text := range map[string]string{
		"recursion":            `{{define "a"}}` + nested + `{{end}}{{template "a"}}`,
		"recursion of itself":  `{{if 1}}{{template "entry"}}{{end}}`,
		"block":                `{{block "a" .}}{{end}}`,
		"loop":                 `{{range 1000000000000}}{{end}}`,
		"loop in a branch":     `{{with 1}}{{else}}{{if 1}}{{range 10}}x{{end}}{{end}}{{end}}`,
		"doubling":             `{{$a := .Key}}` + strings.Repeat(`{{$a = print $a $a}}`, 60),
		"doubling by lines":    `{{$a := .Key}}` + strings.Repeat(`{{$a = println $a $a}}`, 60),
		"doubling by printf":   `{{$a := .Key}}` + strings.Repeat(`{{$a = printf "%s%s" $a $a}}`, 60),
		"doubling by escaping": `{{$a := "<"}}` + strings.Repeat(`{{$a = html $a}}{{$a = urlquery $a $a}}`, 60),
		"repeated argument":    `{{printf "%[1]s%[1]s" .Key}}`,
		"width":                `{{printf "%1000000d" 1}}`,
		"width by argument":    `{{printf "%*d" 1000000 1}}`,
		"precision":            `{{printf "%.9999f" 1.0}}`,
		"much output":          strings.Repeat(`{{printf "%999d" 1}}`, 100),
		"long format":          `{{printf "` + strings.Repeat("% ", formatLimit/2) + `x"}}`,
		"many operands":        strings.Repeat(`{{.Key}}`, operandLimit+1),
		"many comparisons":     `{{eq .Key` + strings.Repeat(` .Key`, operandLimit) + `}}`,
		"many in parentheses":  strings.Repeat(`{{if (and (.Key) (.Name))}}{{else}}{{end}}`, operandLimit/4),
	} {
		_, err := (&rendering{data: templateData{Key: "bdk_live_secret"}}).execute("entry", text)
		if err == nil {
			t.Errorf("%s was rendered", name)
		} else if strings.Contains(err.Error(), "bdk_live") {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

func TestTemplatesThatPeopleWrite(t *testing.T) {
	t.Parallel()
	data := templateData{Key: "bdk_live_secret", KeyID: "key_1", Name: "reader", baseURL: "https://example.com/api"}
	for text, want := range map[string]string{
		`BETTERDATA_API_KEY={{ .Key }}`:                                                       "BETTERDATA_API_KEY=bdk_live_secret",
		`{"url": "{{ .BaseURL }}", "key": {{ printf "%q" .Key }}}`:                            `{"url": "https://example.com/api", "key": "bdk_live_secret"}`,
		`{{ if .KeyID }}{{ .KeyID }}{{ else }}none{{ end }}`:                                  "key_1",
		`{{ with .Name }}{{ . | html }}{{ end }}`:                                             "reader",
		`{{ printf "%-10s|" .Name }}`:                                                         "reader    |",
		`{{ $a := print .Name "-" .KeyID }}{{ if eq $a "reader-key_1" }}{{ js $a }}{{ end }}`: "reader-key_1",
		`{{/* nothing */}}`:                                                                   "",
		``:                                                                                    "",
	} {
		if got, err := (&rendering{data: data}).execute("entry", text); err != nil || got != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

// hostile doubles a variable to the longest text, and then calls a function with it so many times, or as often as the schema
// lets a template be long.
func hostile(seed, call string, times int) string {
	var text strings.Builder
	seed = strings.Repeat(seed, 1024/len(seed))
	text.WriteString(`{{$x := "` + seed + `"}}{{$y := ""}}`)
	for size := len(seed); 2*size <= templateLimit; size *= 2 {
		text.WriteString(`{{$x = print $x $x}}`)
	}
	for ; times > 0 && text.Len()+len(call) <= 8192; times-- {
		text.WriteString(call)
	}
	return text.String()
}

// TestTemplatesShareOneBudget: what an ApiKey costs at each look does not grow with the number of entries, nor with how often
// a template calls functions. It is counted in the bytes that the functions took and made.
func TestTemplatesShareOneBudget(t *testing.T) {
	t.Parallel()
	const few = 8 // calls, so that they alone have too many operands in no number of entries that there may be
	for _, c := range [][2]string{
		{"%% ", `{{$y = printf $x}}`}, {"%.%.", `{{$y = printf $x}}`}, {"a", `{{$y = printf "%q" $x}}`}, {"&", `{{$y = html $x}}`},
		{"a", `{{$y = js $x}}`}, {"<", `{{$y = js $x}}`}, {" ", `{{$y = urlquery $x}}`}, {"a", `{{$y = print $x}}`}, {"a", `{{println $x}}`},
		{"a", `{{$y = printf "%999.999f%999.999f" 1.0 1.0}}`}, {"a", `{{$y = print .}}`}, {"a", `{{$y = eq $x $x}}`}, {"a", `{{$y = js 1}}`},
	} {
		for _, times := range []int{few, 8192} {
			all := &rendering{data: templateData{Key: "bdk_live_secret"}}
			refusals := 0
			for i := range 16 {
				if _, err := all.execute(fmt.Sprint("entry-", i), hostile(c[0], c[1], times)); err != nil {
					refusals++
					var refused *templateError
					if !errors.As(err, &refused) || strings.Contains(err.Error(), "cannot be executed") {
						t.Errorf("%q %s: %v", c[0], c[1], err)
					}
				}
			}
			// Each entry that is refused has taken one text more, at most.
			if most := workLimit + 16*templateLimit; all.work > most || refusals == 0 {
				t.Errorf("%q %s: %d bytes of work, want at most %d; %d entries refused", c[0], c[1], all.work, most, refusals)
			}
		}
	}
}

// A rendering ends with the first entry that is refused, so that its work is what the budget says and one call more.
func TestRenderingEndsWithTheFirstRefusal(t *testing.T) {
	t.Parallel()
	r := &Resource{Settings: Settings{TargetKey: "api-key"}, Secret: SecretSpec{Template: map[string]string{}}}
	for i := range 16 {
		r.Secret.Template[fmt.Sprintf("entry-%02d", i)] = hostile("a", `{{$y = html $x}}`, 8)
	}
	l := r.ledger(LedgerRecord{ID: "key_1", Plaintext: apiclient.NewSecret("bdk_live_secret")})
	if !strings.Contains(l.RenderFailed, "secret.template[entry-00]") || !strings.Contains(l.RenderFailed, errTooMuch.Error()) || l.Entries != nil {
		t.Errorf("the ledger says %q, and has %d entries", l.RenderFailed, len(l.Entries))
	}
}

// Sixteen entries of everyday size stay far below the budget.
func TestTemplatesOfEverydaySize(t *testing.T) {
	t.Parallel()
	everyday := strings.Repeat(`export {{ printf "%s_%s" .Namespace .Name | html }}={{ .Key | urlquery }}; # {{ .KeyID }} of {{ .BaseURL }}`+"\n", 4)
	all := &rendering{data: templateData{Key: strings.Repeat("k", 200), KeyID: "key_1", Name: "reader", Namespace: "shop", baseURL: "https://example.com/api"}}
	for range 16 {
		if _, err := all.execute("entry", everyday); err != nil {
			t.Fatal(err)
		}
	}
	if all.work > workLimit/4 || all.operands > operandLimit*3/4 {
		t.Errorf("%d of %d bytes, %d of %d operands", all.work, workLimit, all.operands, operandLimit)
	}
}
