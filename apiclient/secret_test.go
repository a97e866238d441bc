package apiclient

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	texttemplate "text/template"
)

const secretValue = "bdk_live_ABC123_s3cr3t-pl4intext"

// holder has a Secret in every position from which a printer might take it.
type holder struct {
	Exported   Secret
	unexported Secret
	Pointer    *Secret
	Slice      []Secret
	Map        map[string]Secret
	Any        any
}

func newHolder() holder {
	s := NewSecret(secretValue)
	return holder{Exported: s, unexported: s, Pointer: &s, Slice: []Secret{s}, Map: map[string]Secret{"k": s}, Any: s}
}

func mustNotLeak(t *testing.T, how, output string) {
	t.Helper()
	// The value's tail alone is as bad, and so are its bytes in the notations that fmt knows.
	for _, form := range []string{
		secretValue, "s3cr3t", fmt.Sprintf("%x", "s3cr3t"), fmt.Sprintf("%X", "s3cr3t"), fmt.Sprintf("% x", "s3cr3t"),
		strings.Trim(fmt.Sprint([]byte("s3cr3t")), "[]"),
	} {
		if strings.Contains(output, form) {
			t.Errorf("%s shows the secret: %s", how, output)
		}
	}
}

func TestSecretFmt(t *testing.T) {
	t.Parallel()
	s := NewSecret(secretValue)
	h := newHolder()
	values := map[string]any{
		"value": s, "pointer": &s, "struct": h, "pointer to struct": &h, "slice": []Secret{s}, "pointers": []*Secret{&s},
		"array": [1]Secret{s}, "map": map[string]Secret{"k": s}, "unexported": struct{ inner Secret }{s},
		"unexported pointer": struct{ inner *Secret }{&s}, "unexported slice": struct{ inner []Secret }{[]Secret{s}},
		"embedded": struct{ Secret }{s}, "issued key": IssuedKey{Plaintext: s}, "issued key pointer": &IssuedKey{Plaintext: s},
		"reflect.Value": reflect.ValueOf(s), "reflect.Value of a field": reflect.ValueOf(h).Field(1),
	}
	flags := []string{"", "+", "#", "-", " ", "0", "+#", "# ", "8", ".3", "-8.3"}
	for name, value := range values {
		for verb := rune('A'); verb <= 'z'; verb++ {
			for _, flag := range flags {
				format := "%" + flag + string(verb)
				mustNotLeak(t, name+" with "+format, fmt.Sprintf(format, value))
			}
		}
		mustNotLeak(t, name+" with Sprint", fmt.Sprint(value))
		mustNotLeak(t, name+" with Sprintln", fmt.Sprintln("x", value))
	}
}

func TestSecretFmtPlaceholder(t *testing.T) {
	t.Parallel()
	s := NewSecret(secretValue)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(format, s); got != redacted {
			t.Errorf("%s gives %q, want %q", format, got, redacted)
		}
	}
	if s.String() != redacted || s.GoString() != redacted {
		t.Errorf("String %q, GoString %q", s.String(), s.GoString())
	}
}

func TestSecretSlog(t *testing.T) {
	t.Parallel()
	var text, json bytes.Buffer
	options := &slog.HandlerOptions{Level: slog.LevelDebug - 4}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&text, options), slog.NewJSONHandler(&json, options)} {
		logger := slog.New(handler).With("bound", NewSecret(secretValue))
		logger.Debug("m", "secret", NewSecret(secretValue), "holder", newHolder(), "slice", []Secret{NewSecret(secretValue)})
		logger.WithGroup("g").Info("m", slog.Group("in", "secret", NewSecret(secretValue)))
	}
	mustNotLeak(t, "slog text", text.String())
	mustNotLeak(t, "slog JSON", json.String())
	if !strings.Contains(text.String(), "secret="+redacted) {
		t.Errorf("the placeholder is missing: %s", text.String())
	}
}

func TestSecretEncoding(t *testing.T) {
	t.Parallel()
	h := newHolder()
	out, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	mustNotLeak(t, "JSON", string(out))

	type document struct {
		Element Secret
		Attr    Secret `xml:"attr,attr"`
	}
	out, err = xml.Marshal(document{h.Exported, h.Exported})
	if err != nil {
		t.Fatal(err)
	}
	mustNotLeak(t, "XML", string(out))

	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(struct{ S Secret }{h.Exported}); err == nil {
		t.Error("gob encodes a Secret; it must refuse, since it would come back empty")
	}
	mustNotLeak(t, "gob", buf.String())
}

// A Secret never comes from JSON: one decoded from its own placeholder would pass for a key.
func TestSecretDecodingRefused(t *testing.T) {
	t.Parallel()
	var key struct{ Plaintext Secret }
	err := json.Unmarshal([]byte(`{"Plaintext":"`+secretValue+`"}`), &key)
	if err == nil || !key.Plaintext.IsZero() {
		t.Errorf("decoded: %v, error %v", !key.Plaintext.IsZero(), err)
	} else {
		mustNotLeak(t, "decoding error", err.Error())
	}
}

func TestSecretTemplates(t *testing.T) {
	t.Parallel()
	const source = `{{.Exported}} {{printf "%s %q %x %d" .Exported .Exported .Exported .Exported}} {{.}} {{index .Slice 0}} {{.Pointer}}`
	var buf bytes.Buffer
	if err := texttemplate.Must(texttemplate.New("").Parse(source)).Execute(&buf, newHolder()); err != nil {
		t.Fatal(err)
	}
	mustNotLeak(t, "text/template", buf.String())

	buf.Reset()
	page := template.Must(template.New("").Parse(`<a href="{{.Exported}}">{{.Exported}}</a><script>x = {{.Exported}}; y = {{.}}</script>`))
	if err := page.Execute(&buf, newHolder()); err != nil {
		t.Fatal(err)
	}
	mustNotLeak(t, "html/template", buf.String())
}

// secretError is what a careless error type would look like.
type secretError struct{ token Secret }

func (e secretError) Error() string {
	return fmt.Sprintf("refused %v %+v", e.token, struct{ t Secret }{e.token})
}

func TestSecretErrors(t *testing.T) {
	t.Parallel()
	s := NewSecret(secretValue)
	wrapped := fmt.Errorf("with %v: %w", s, secretError{s})
	for _, err := range []error{wrapped, errors.Join(wrapped, secretError{s}), fmt.Errorf("%s %x %#v", s, s, newHolder())} {
		mustNotLeak(t, "error", fmt.Sprintf("%v %+v %#v %s %q", err, err, err, err, err))
	}
}

// The runtime prints a panic's value and the arguments of every frame in its own way, so only a real crash shows it.
func TestSecretPanic(t *testing.T) {
	t.Parallel()
	const variable = "APICLIENT_TEST_PANIC"
	s := NewSecret(secretValue)
	panics := map[string]func(){
		"value":  func() { panic(s) },
		"struct": func() { panic(newHolder()) },
		"error":  func() { panic(secretError{s}) },
		"frames": func() { panicBelow(s, &s, newHolder()) },
	}
	if crash := panics[os.Getenv(variable)]; crash != nil {
		crash()
	}
	for name := range panics {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSecretPanic$")
			cmd.Env = append(os.Environ(), variable+"="+name, "GOTRACEBACK=all")
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "panic: ") {
				t.Fatalf("the child did not panic: %v\n%s", err, out)
			}
			mustNotLeak(t, "crash", string(out))
		})
	}
}

//go:noinline
func panicBelow(s Secret, p *Secret, h holder) {
	panic(fmt.Sprint("broken with ", s, p, h))
}

// Dumpers that test libraries use for their diffs ignore methods and follow pointers in unexported fields.
func TestSecretReflectionWalk(t *testing.T) {
	t.Parallel()
	h := newHolder()
	if found := stringsReachable(reflect.ValueOf(&h)); strings.Contains(strings.Join(found, "\n"), secretValue) {
		t.Error("reflection reaches the value")
	}
	// The walk itself works: it finds a string behind an unexported pointer.
	value := secretValue
	control := struct{ inner *string }{&value}
	if found := stringsReachable(reflect.ValueOf(control)); len(found) != 1 || found[0] != secretValue {
		t.Errorf("the walk finds %q behind a pointer", found)
	}
}

// stringsReachable collects every string and byte slice to be found from v without calling anything.
func stringsReachable(v reflect.Value) []string {
	switch v.Kind() {
	case reflect.String:
		return []string{v.String()}
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return stringsReachable(v.Elem())
	case reflect.Struct:
		var found []string
		for i := range v.NumField() {
			found = append(found, stringsReachable(v.Field(i))...)
		}
		return found
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return []string{string(v.Bytes())}
		}
		var found []string
		for i := range v.Len() {
			found = append(found, stringsReachable(v.Index(i))...)
		}
		return found
	case reflect.Map:
		var found []string
		for _, key := range v.MapKeys() {
			found = append(append(found, stringsReachable(key)...), stringsReachable(v.MapIndex(key))...)
		}
		return found
	}
	return nil
}

func TestSecretComparison(t *testing.T) {
	t.Parallel()
	if reflect.TypeFor[Secret]().Comparable() {
		t.Error("Secrets can be compared with ==, which would compare identities or leak timing")
	}
	a, same, other := NewSecret("a"), NewSecret("a"), NewSecret("b")
	if !a.Equal(same) || a.Equal(other) || a.Equal(Secret{}) || !(Secret{}).Equal(NewSecret("")) {
		t.Error("Equal does not compare values")
	}
}

func TestSecretZero(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]Secret{"zero": {}, "made from nothing": NewSecret("")} {
		if !s.IsZero() || s.Reveal() != "" || s.String() != redacted {
			t.Errorf("%s: IsZero %v, value of %d bytes, String %q", name, s.IsZero(), len(s.Reveal()), s)
		}
	}
	if s := NewSecret(secretValue); s.IsZero() || s.Reveal() != secretValue {
		t.Error("Reveal does not return the value")
	}
	if out, err := json.Marshal(struct {
		S Secret `json:"s,omitzero"`
	}{}); err != nil || string(out) != "{}" {
		t.Errorf("omitzero gives %s, %v", out, err)
	}
}
