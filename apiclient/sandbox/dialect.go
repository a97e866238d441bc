package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Dialect chooses among the shapes that the vendor's page leaves open. The axes are independent. An empty field is
// its default; the zero value is the page read literally.
type Dialect struct {
	// List is where a listing holds its array: apiKeys (default), array (bare, so without paging metadata), data,
	// items, keys, data.apiKeys.
	List string
	// Paging is how a listing is cut: page (default; pagination{page,pageSize,total,totalPages}), offset (limit and
	// offset are honoured, page is not; total, limit, offset at top level), none (no metadata, honours page and limit),
	// silent-cut (no metadata, ignores limit, cuts at 20, honours page), ignored (everything, whatever is asked),
	// limit-refused (400 when limit is given, 20 a page, metadata as page).
	Paging string
	// Write is the answer of PATCH and revoke: wrapped (default; {apiKey}), flat, data, empty (204), success.
	Write string
	// Issue is the answer of create and rotate: page (default; {apiKey,plaintextKey}), data (the same under data),
	// newKey, key (the key under that name beside plaintextKey), flat.
	Issue string
	// ErrorCode is where an error's code sits: code (default), error.code, errorCode, details.code, error.
	ErrorCode string
	// RetryAfter is the unit of that header on 429: seconds (default), date, none.
	RetryAfter string
	// Reset is the unit of X-RateLimit-Reset: seconds (default, Unix), milliseconds (Unix), delta (seconds left), none
	// (no X-RateLimit header at all).
	Reset string
	// Status is the HTTP status of create and rotate: created (default; 201), ok (200).
	Status string
	// RotateName tells what a successor is called: carried (default; name and scopes of the old key), fresh ("Rotated
	// key", without scopes).
	RotateName string
	// RotateID is the successor's id: new (default), same (one id, the old plaintext beside or replaced by the new).
	RotateID string
	// Dead tells whether revoked and expired keys are in the listing: listed (default), hidden.
	Dead string
	// Revoked is the answer to revoking a revoked key: ok (default), 409, 404, 400.
	Revoked string
	// Timestamps is the form of times: rfc3339 (default, whole seconds), fraction, bad (not RFC 3339), absent.
	Timestamps string
	// Date is the Date header: present (default), absent.
	Date string
	// Case is the case of status values: upper (default), lower.
	Case string
	// Scopes is what the server makes of given scopes: kept (default), expanded (wildcards replaced), sorted.
	Scopes string
	// Update is what PATCH wants: partial (default; name, scopes or both), full (400 unless both are there).
	Update string
}

// axis is one field of Dialect with its values, the default first.
type axis struct {
	name   string
	values []string
	field  func(*Dialect) *string
}

var axes = []axis{
	{"list", []string{"apiKeys", "array", "data", "items", "keys", "data.apiKeys"}, func(d *Dialect) *string { return &d.List }},
	{"paging", []string{"page", "offset", "none", "silent-cut", "ignored", "limit-refused"}, func(d *Dialect) *string { return &d.Paging }},
	{"write", []string{"wrapped", "flat", "data", "empty", "success"}, func(d *Dialect) *string { return &d.Write }},
	{"issue", []string{"page", "data", "newKey", "key", "flat"}, func(d *Dialect) *string { return &d.Issue }},
	{"error-code", []string{"code", "error.code", "errorCode", "details.code", "error"}, func(d *Dialect) *string { return &d.ErrorCode }},
	{"retry-after", []string{"seconds", "date", "none"}, func(d *Dialect) *string { return &d.RetryAfter }},
	{"reset", []string{"seconds", "milliseconds", "delta", "none"}, func(d *Dialect) *string { return &d.Reset }},
	{"status", []string{"created", "ok"}, func(d *Dialect) *string { return &d.Status }},
	{"rotate-name", []string{"carried", "fresh"}, func(d *Dialect) *string { return &d.RotateName }},
	{"rotate-id", []string{"new", "same"}, func(d *Dialect) *string { return &d.RotateID }},
	{"dead", []string{"listed", "hidden"}, func(d *Dialect) *string { return &d.Dead }},
	{"revoked", []string{"ok", "409", "404", "400"}, func(d *Dialect) *string { return &d.Revoked }},
	{"timestamps", []string{"rfc3339", "fraction", "bad", "absent"}, func(d *Dialect) *string { return &d.Timestamps }},
	{"date", []string{"present", "absent"}, func(d *Dialect) *string { return &d.Date }},
	{"case", []string{"upper", "lower"}, func(d *Dialect) *string { return &d.Case }},
	{"scopes", []string{"kept", "expanded", "sorted"}, func(d *Dialect) *string { return &d.Scopes }},
	{"update", []string{"partial", "full"}, func(d *Dialect) *string { return &d.Update }},
}

// presets are combinations that one real server could well show.
var presets = map[string]Dialect{
	// The overview's stated envelope: {data, pagination} and an error object.
	"envelope": {List: "data", Write: "data", Issue: "data", ErrorCode: "error.code", Timestamps: "fraction"},
	// No envelope anywhere.
	"bare": {List: "array", Paging: "none", Write: "flat", Issue: "flat", ErrorCode: "errorCode", Status: "ok"},
	// Says as little as it can.
	"terse": {List: "items", Paging: "offset", Write: "empty", Issue: "key", ErrorCode: "error", RetryAfter: "date", Dead: "hidden", Revoked: "404"},
	// Each part is plausible, the whole is a trial.
	"awkward": {
		List: "data.apiKeys", Paging: "silent-cut", Write: "success", Issue: "newKey", Reset: "none", RetryAfter: "none",
		RotateName: "fresh", Revoked: "409", Timestamps: "bad", Date: "absent", Case: "lower", Scopes: "expanded", Update: "full",
	},
}

// normalized names every axis, so that code may compare with any value; it refuses unknown values.
func (d Dialect) normalized() (Dialect, error) {
	for _, a := range axes {
		field := a.field(&d)
		if *field == "" {
			*field = a.values[0]
		}
		if !slices.Contains(a.values, *field) {
			return d, fmt.Errorf("dialect: %s=%s is unknown, want one of %s", a.name, *field, strings.Join(a.values, ", "))
		}
	}
	return d, nil
}

// String is the dialect as [ParseDialect] reads it: every axis that is not at its default.
func (d Dialect) String() string {
	var parts []string
	for _, a := range axes {
		if value := *a.field(&d); value != "" && value != a.values[0] {
			parts = append(parts, a.name+"="+value)
		}
	}
	return strings.Join(parts, ",")
}

// ParseDialect reads a comma-separated list of axis=value and of names out of [Dialects]; later parts win. Axes are
// named list, paging, write, issue, error-code, retry-after, reset, status, rotate-name, rotate-id, dead, revoked,
// timestamps, date, case, scopes and update. An empty string is the page's own dialect.
func ParseDialect(s string) (Dialect, error) {
	var d Dialect
	for _, part := range strings.Split(s, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		if err := applyPart(&d, part); err != nil {
			return Dialect{}, err
		}
	}
	_, err := d.normalized()
	return d, err
}

// applyPart gives a dialect one part of ParseDialect's list.
func applyPart(d *Dialect, part string) error {
	name, value, isPair := strings.Cut(part, "=")
	if !isPair {
		named, ok := Dialects()[name]
		if !ok {
			return fmt.Errorf("dialect: no dialect is named %q (want axis=value, or one of the names in docs/sandbox.md)", name)
		}
		overlay(d, named)
		return nil
	}
	return setAxis(d, name, value)
}

// setAxis gives an axis a value. RotateName, rotate-name and rotatename are one axis.
func setAxis(d *Dialect, name, value string) error {
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "")) }
	for _, a := range axes {
		if plain(a.name) == plain(name) {
			*a.field(d) = value
			return nil
		}
	}
	return fmt.Errorf("dialect: no axis is named %q", name)
}

// overlay gives a dialect the fields that the other one sets.
func overlay(d *Dialect, other Dialect) {
	for _, a := range axes {
		if value := *a.field(&other); value != "" {
			*a.field(d) = value
		}
	}
}

// Dialects returns every named dialect, for table tests and for --dialect: "page" (the vendor's page), one for each
// value of each axis that is not its default, named <axis>-<value>, and a few whole servers: envelope, bare, terse,
// awkward.
func Dialects() map[string]Dialect {
	named := map[string]Dialect{"page": {}}
	for _, a := range axes {
		for _, value := range a.values[1:] {
			var d Dialect
			*a.field(&d) = value
			named[a.name+"-"+value] = d
		}
	}
	maps.Copy(named, presets)
	return named
}
