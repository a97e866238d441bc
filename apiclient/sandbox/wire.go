package sandbox

import (
	"net/http"
	"strings"
	"time"
)

// object is a JSON object whose fields depend on the dialect.
type object map[string]any

// wireKey is a key in an answer. The first seven fields are the page's; the others appear only once they have a value.
type wireKey struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	KeyPrefix  string   `json:"keyPrefix"`
	Last4      string   `json:"last4"`
	Scopes     []string `json:"scopes"`
	Status     string   `json:"status"`
	CreatedAt  string   `json:"createdAt,omitempty"`
	ExpiresAt  string   `json:"expiresAt,omitempty"`
	RevokedAt  string   `json:"revokedAt,omitempty"`
	LastUsedAt string   `json:"lastUsedAt,omitempty"`
}

// flatIssue is the answer of create and rotate without an envelope.
type flatIssue struct {
	wireKey
	PlaintextKey string `json:"plaintextKey,omitempty"`
}

func (d Dialect) wireKey(k Key, now time.Time) wireKey {
	status := k.statusAt(now)
	if d.Case == "lower" {
		status = strings.ToLower(status)
	}
	scopes := k.Scopes
	if scopes == nil {
		scopes = []string{}
	}
	return wireKey{
		ID: k.ID, Name: k.Name, KeyPrefix: k.KeyPrefix, Last4: k.Last4, Scopes: scopes, Status: status,
		CreatedAt: d.timestamp(&k.CreatedAt), ExpiresAt: d.timestamp(k.ExpiresAt),
		RevokedAt: d.timestamp(k.RevokedAt), LastUsedAt: d.timestamp(k.LastUsedAt),
	}
}

func (d Dialect) timestamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	switch d.Timestamps {
	case "fraction":
		return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	case "bad":
		return t.UTC().Format("02.01.2006 15:04")
	case "absent":
		return ""
	default:
		return t.UTC().Format(time.RFC3339)
	}
}

// issued is the answer of create and rotate. An empty plaintext leaves its field out.
func (d Dialect) issued(k wireKey, plaintext string) answer {
	status := http.StatusCreated
	if d.Status == "ok" {
		status = http.StatusOK
	}
	if d.Issue == "flat" {
		return answer{status: status, body: flatIssue{wireKey: k, PlaintextKey: plaintext}}
	}
	name := "apiKey"
	if d.Issue == "newKey" || d.Issue == "key" {
		name = d.Issue
	}
	body := object{name: k}
	if plaintext != "" {
		body["plaintextKey"] = plaintext
	}
	if d.Issue == "data" {
		body = object{"data": body}
	}
	return answer{status: status, body: body}
}

// written is the answer of update and revoke.
func (d Dialect) written(k wireKey) answer {
	switch d.Write {
	case "flat":
		return answer{status: http.StatusOK, body: k}
	case "data":
		return answer{status: http.StatusOK, body: object{"data": k}}
	case "empty":
		return answer{status: http.StatusNoContent}
	case "success":
		return answer{status: http.StatusOK, body: object{"success": true}}
	default:
		return answer{status: http.StatusOK, body: object{"apiKey": k}}
	}
}

// listed is the answer of list. A bare array has no room for metadata.
func (d Dialect) listed(keys []wireKey, metadata object) answer {
	if d.List == "array" {
		return answer{status: http.StatusOK, body: keys}
	}
	body := object{}
	switch outer, inner, nested := strings.Cut(d.List, "."); {
	case nested:
		body[outer] = object{inner: keys}
	default:
		body[outer] = keys
	}
	for name, value := range metadata {
		body[name] = value
	}
	return answer{status: http.StatusOK, body: body}
}
