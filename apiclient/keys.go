package apiclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Status is a key's state as the API reports it. It is not a closed set: the vendor documents only ACTIVE.
type Status string

// The known states. EXPIRED and REVOKED are those that the vendor's UI groups keys by.
const (
	StatusActive  Status = "ACTIVE"
	StatusRevoked Status = "REVOKED"
	StatusExpired Status = "EXPIRED"
)

// Dead reports REVOKED or EXPIRED, in any case of letters. A value that is not known is not dead: acting on it would
// replace a key that may be in use.
func (s Status) Dead() bool {
	return strings.EqualFold(string(s), string(StatusRevoked)) || strings.EqualFold(string(s), string(StatusExpired))
}

// Key is one API key without its plaintext. Status is in upper case; Scopes are as the server sent them. A field
// that the server did not send, or sent unreadably, has its zero value.
type Key struct {
	ID, Name, KeyPrefix, Last4                  string
	Scopes                                      []string
	Status                                      Status
	CreatedAt, ExpiresAt, RevokedAt, LastUsedAt *time.Time
}

// Live reports that the key is not dead.
func (k Key) Live() bool { return !k.Status.Dead() }

// clone copies what a caller could change.
func (k Key) clone() Key {
	k.Scopes = slices.Clone(k.Scopes)
	for _, at := range []**time.Time{&k.CreatedAt, &k.ExpiresAt, &k.RevokedAt, &k.LastUsedAt} {
		if *at != nil {
			t := **at
			*at = &t
		}
	}
	return k
}

// IssuedKey is the answer of create and rotate. Plaintext is never empty. ID is empty when the answer held a
// plaintext but no readable key: find the key by the marker in its name. ServerTime is the answer's Date header, or
// the local clock.
type IssuedKey struct {
	Key
	Plaintext  Secret
	ServerTime time.Time
}

// CreateKeyRequest is what a key is made of. Both fields are required.
type CreateKeyRequest struct {
	Name   string
	Scopes []string
}

// UpdateKeyRequest is what a key is changed to. Both fields are required, because it is not documented whether the API
// keeps a field that is missing, and an empty list of scopes would take every right from a key in use.
type UpdateKeyRequest struct {
	Name   string
	Scopes []string
}

// UpdateResult is the outcome of an update. Echoed tells whether the answer held the key. When it did not, Key holds
// the id and what was sent.
type UpdateResult struct {
	Key    Key
	Echoed bool
}

// keysPath is the collection's path below the base URL.
var keysPath = []string{"admin", "api-keys"}

// ListKeys returns one page of the listing: GET /admin/api-keys. One page tells nothing about keys that are not on
// it; use AllKeys or Directory for that.
func (c *Client) ListKeys(ctx context.Context, opts ListOptions) (*KeyPage, error) {
	return c.page(ctx, position{page: max(opts.Page, 1), offset: absent, limit: opts.Limit})
}

// AllKeys yields every key of the tenant once, dead ones included if the API lists them. It fetches all pages before
// it yields the first key, so a listing that is not complete yields one error and no key.
func (c *Client) AllKeys(ctx context.Context) iter.Seq2[Key, error] {
	return func(yield func(Key, error) bool) {
		all, err := c.completeListing(ctx)
		if err != nil {
			yield(Key{}, err)
			return
		}
		for _, key := range all.keys {
			if !yield(key, nil) {
				return
			}
		}
	}
}

// CreateKey issues a key: POST /admin/api-keys. Its errors are of the three kinds that the package comment lists.
// Name and scopes that the answer leaves out are filled in from the request.
func (c *Client) CreateKey(ctx context.Context, req CreateKeyRequest) (*IssuedKey, error) {
	k := &call{op: OpCreate, method: http.MethodPost, template: "/admin/api-keys", elements: keysPath, limit: objectLimit}
	if strings.TrimSpace(req.Name) == "" || len(req.Scopes) == 0 {
		return nil, fmt.Errorf("%s: %w: name and at least one scope are required", k, ErrNotExecuted)
	}
	k.payload = encode(keyBody(req))
	issued, err := c.issue(ctx, k)
	if err != nil {
		return nil, err
	}
	if issued.Name == "" {
		issued.Name = req.Name
	}
	if issued.Scopes == nil {
		issued.Scopes = slices.Clone(req.Scopes)
	}
	c.directory.record(issued.Key)
	return issued, nil
}

// UpdateKey sets name and scopes: PATCH /admin/api-keys/{id}.
func (c *Client) UpdateKey(ctx context.Context, id string, req UpdateKeyRequest) (*UpdateResult, error) {
	k := &call{op: OpUpdate, keyID: id, method: http.MethodPatch, template: "/admin/api-keys/{id}", limit: objectLimit}
	if err := k.onKey(); err != nil {
		return nil, err
	}
	if strings.TrimSpace(req.Name) == "" || len(req.Scopes) == 0 {
		return nil, fmt.Errorf("%s: name and at least one scope are required", k)
	}
	k.payload = encode(keyBody(req))
	got, err := c.repeat(ctx, k)
	if err != nil {
		return nil, err
	}
	result := &UpdateResult{Key: Key{ID: id, Name: req.Name, Scopes: slices.Clone(req.Scopes)}}
	if key, ok := echoedKey(got.body, id); ok {
		result.Key, result.Echoed = key.without(got.token), true
	}
	c.directory.record(result.Key)
	return result, nil
}

// RevokeKey revokes a key: POST /admin/api-keys/{id}/revoke. An answer that may mean "already revoked" (400, 404, 409,
// 410), and a success that speaks neither of the key nor of success, count only if a complete listing begun afterwards
// shows the key dead, or two such lack it: both may also come from a wrong base URL.
func (c *Client) RevokeKey(ctx context.Context, id string) error {
	k := &call{op: OpRevoke, keyID: id, method: http.MethodPost, template: "/admin/api-keys/{id}/revoke", limit: objectLimit}
	if err := k.onKey("revoke"); err != nil {
		return err
	}
	got, err := c.repeat(ctx, k)
	if err == nil && !tellsSuccess(got.body, id) {
		return c.confirmRevoked(ctx, id, k.notUnderstood(got, "the answer does not tell what became of the key"))
	}
	if mayBeRevoked(err) {
		return c.confirmRevoked(ctx, id, err)
	}
	if err != nil {
		return err
	}
	c.directory.record(Key{ID: id, Status: StatusRevoked})
	return nil
}

// RotateKey issues a successor: POST /admin/api-keys/{id}/rotate. It always sends revokeOld false (P1): the caller
// revokes the old id once the new plaintext is durable. The answer's id may equal id; then there is nothing to
// revoke. Its errors are of the three kinds that the package comment lists.
func (c *Client) RotateKey(ctx context.Context, id string) (*IssuedKey, error) {
	k := &call{op: OpRotate, keyID: id, method: http.MethodPost, template: "/admin/api-keys/{id}/rotate", limit: objectLimit}
	if err := k.onKey("rotate"); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotExecuted, err)
	}
	k.payload = encode(struct {
		RevokeOld bool `json:"revokeOld"`
	}{false})
	issued, err := c.issue(ctx, k)
	if err != nil {
		return nil, err
	}
	c.directory.record(issued.Key)
	return issued, nil
}

// keyBody is the wire form of create and update.
type keyBody struct {
	Name   string   `json:"name"`
	Scopes []string `json:"scopes"`
}

// MarshalJSON writes scopes that are nil as an empty array: null could mean anything to the server.
func (b keyBody) MarshalJSON() ([]byte, error) {
	type plain keyBody
	if b.Scopes == nil {
		b.Scopes = []string{}
	}
	return json.Marshal(plain(b))
}

// encode marshals a request body. The types above hold strings and booleans alone, which always marshal.
func encode(body any) []byte {
	encoded, _ := json.Marshal(body) //nolint:errchkjson // see above
	return encoded
}

// onKey completes the path of a call about one key. An id of dots would name another path to whoever cleans it.
func (k *call) onKey(action ...string) error {
	if k.keyID == "" || k.keyID == "." || k.keyID == ".." {
		return fmt.Errorf("%s: %q is no key id", k.op, k.keyID)
	}
	k.elements = slices.Concat(keysPath, []string{k.keyID}, action)
	return nil
}

// mayBeRevoked reports an answer to a revoke that the key's being dead already would explain.
func mayBeRevoked(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && slices.Contains([]int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusGone}, e.Status)
}

// confirmRevoked asks listings begun after the refusal: one that shows the key dead, or two that lack it. Many revokes
// share them.
func (c *Client) confirmRevoked(ctx context.Context, id string, refusal error) error {
	absent, key, err := c.directory.Absent(WithPriority(ctx, PriorityRevoke), id, Freshness{BegunAfter: c.directory.Now()})
	if err != nil {
		return fmt.Errorf("%w; whether the key is revoked already is not known: %w", refusal, err)
	}
	if !absent && key.Live() {
		return refusal
	}
	return nil
}
