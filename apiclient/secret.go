package apiclient

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every rendering of a Secret shows instead of its value.
const redacted = "[REDACTED]"

// Secret holds a key's plaintext or a token. Every ordinary way of rendering it (fmt with any verb, slog,
// JSON, text) shows a placeholder; only Reveal hands out the value, so that each place that needs it can be
// found by searching for that name.
//
// The zero Secret is empty.
type Secret struct {
	// The pointer keeps reflection-based dumpers, which print unexported string fields, from reaching the
	// value: they print an address.
	value *string
}

// NewSecret wraps value. An empty value gives the zero Secret.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{value: &value}
}

// Reveal returns the value. Call it only where the value leaves the process on purpose: an Authorization
// header, sensitive Terraform state, a Kubernetes Secret.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether the Secret is empty.
func (s Secret) IsZero() bool { return s.value == nil }

// Equal compares in constant time.
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
