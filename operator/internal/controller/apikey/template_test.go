package apikey

import (
	"strings"
	"testing"
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
	} {
		_, err := execute("entry", text, templateData{Key: "bdk_live_secret"})
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
		`BETTERDATA_API_KEY={{ .Key }}`:                            "BETTERDATA_API_KEY=bdk_live_secret",
		`{"url": "{{ .BaseURL }}", "key": {{ printf "%q" .Key }}}`: `{"url": "https://example.com/api", "key": "bdk_live_secret"}`,
		`{{ if .KeyID }}{{ .KeyID }}{{ else }}none{{ end }}`:       "key_1",
		`{{ with .Name }}{{ . | html }}{{ end }}`:                  "reader",
		`{{ printf "%-10s|" .Name }}`:                              "reader    |",
		`{{/* nothing */}}`:                                        "",
		``:                                                         "",
	} {
		if got, err := execute("entry", text, data); err != nil || got != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}
