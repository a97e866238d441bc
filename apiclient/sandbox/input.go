package sandbox

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// maxName is the longest name in characters. The vendor names no maximum.
const maxName = 255

// keyInput is the body of create and update. Unknown fields are ignored, as most servers do.
type keyInput struct {
	name   string
	scopes []string
	// What the body held; the values are valid where it held them.
	hasName, hasScopes bool
}

func readKeyInput(body []byte) (in keyInput, p *problem) {
	fields, p := readObject(body)
	if p != nil {
		return in, p
	}
	var raw json.RawMessage
	if raw, in.hasName = fields["name"]; in.hasName {
		if in.name, p = readName(raw); p != nil {
			return in, p
		}
	}
	if raw, in.hasScopes = fields["scopes"]; in.hasScopes {
		in.scopes, p = readScopes(raw)
	}
	return in, p
}

// require refuses a body that lacks one of the fields.
func (in keyInput) require() *problem {
	if !in.hasName {
		return errValidation("name", "is required")
	}
	if !in.hasScopes {
		return errValidation("scopes", "is required")
	}
	return nil
}

func readObject(body []byte) (map[string]json.RawMessage, *problem) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return nil, errValidation("body", "must be a JSON object")
	}
	return fields, nil
}

func readName(raw json.RawMessage) (string, *problem) {
	var name *string
	if err := json.Unmarshal(raw, &name); err != nil || name == nil || strings.TrimSpace(*name) == "" {
		return "", errValidation("name", "must be a non-empty string")
	}
	if utf8.RuneCountInString(*name) > maxName {
		return "", errValidation("name", "must have at most 255 characters")
	}
	return *name, nil
}

func readScopes(raw json.RawMessage) ([]string, *problem) {
	refusal := errValidation("scopes", "must be a non-empty array of non-empty strings")
	var scopes []*string
	if err := json.Unmarshal(raw, &scopes); err != nil || len(scopes) == 0 {
		return nil, refusal
	}
	out := make([]string, len(scopes))
	for i, scope := range scopes {
		if scope == nil || strings.TrimSpace(*scope) == "" {
			return nil, refusal
		}
		out[i] = *scope
	}
	return out, nil
}

// readRevokeOld reads the body of rotate. It may be empty; revokeOld is false unless it says otherwise, because a key
// in service that nobody asked to revoke should survive.
func readRevokeOld(body []byte) (bool, *problem) {
	if len(bytes.TrimSpace(body)) == 0 {
		return false, nil
	}
	fields, p := readObject(body)
	if p != nil {
		return false, p
	}
	raw, given := fields["revokeOld"]
	if !given {
		return false, nil
	}
	var revokeOld *bool
	if err := json.Unmarshal(raw, &revokeOld); err != nil || revokeOld == nil {
		return false, errValidation("revokeOld", "must be true or false")
	}
	return *revokeOld, nil
}
