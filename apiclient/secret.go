package apiclient

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every rendering of a Secret, and of anything that looks like one, shows instead of the value.
const redacted = "[REDACTED]"

// Secret holds a key's plaintext or a token. Every ordinary way of rendering it (fmt with any verb, slog, JSON,
// XML, text, templates) shows a placeholder; only Reveal hands out the value, so that each place that needs it can
// be found by searching for that name.
//
// Secrets cannot be compared with == (it would not compile): use Equal. reflect.DeepEqual calls two Secrets equal
// only when both are empty.
//
// The zero Secret is empty.
type Secret struct {
	// A closure, because printers that walk unexported fields by reflection (fmt inside another struct's unexported
	// field, and the dumpers that test libraries use for diffs, which follow pointers too) find a code address
	// where a string or a pointer to one would give the value away.
	reveal func() string
}

// NewSecret wraps value. An empty value gives the zero Secret.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return value }}
}

// Reveal returns the value. Call it only where the value leaves the process on purpose: an Authorization
// header, sensitive Terraform state, a Kubernetes Secret.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether the Secret is empty.
func (s Secret) IsZero() bool { return s.reveal == nil }

// Equal compares the values in time that depends on their lengths only.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String implements fmt.Stringer without the value.
func (s Secret) String() string { return redacted }

// GoString implements fmt.GoStringer without the value.
func (s Secret) GoString() string { return redacted }

// Format implements fmt.Formatter, so that no verb (%x and %d included) reaches the value.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer without the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler (and so serves JSON, XML and YAML) without the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
