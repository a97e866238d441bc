package apiclient

import (
	"fmt"
	"slices"
	"strings"
)

// Code is the API's machine-readable name of an error. Servers may send others than the constants below.
type Code string

// The codes of the vendor's page "API keys". All of them are about the credential that a request carries.
const (
	CodeMissingAuthorization Code = "MISSING_AUTHORIZATION"
	CodeInvalidAPIKey        Code = "INVALID_API_KEY"
	CodeRevokedAPIKey        Code = "REVOKED_API_KEY"
	CodeExpiredAPIKey        Code = "EXPIRED_API_KEY"
	CodeInactiveOrganization Code = "INACTIVE_ORGANIZATION"
	CodeIPRestricted         Code = "IP_RESTRICTED" // also sent as IP_RESTRICTION, which decodes to this
	CodeInsufficientScope    Code = "INSUFFICIENT_SCOPE"
)

// CodeInfo tells what a documented code means and what to do about it.
type CodeInfo struct {
	Code    Code
	Status  int    // the HTTP status that it comes with
	Meaning string // the vendor's own description
	Remedy  string // what to do when key management itself is refused with this code
}

var codeInfos = []CodeInfo{
	{CodeMissingAuthorization, 401, "Authorization header missing",
		"the request reached the API without a credential: set a token, and check that no proxy in between removes the Authorization header"},
	{CodeInvalidAPIKey, 401, "API key not found or invalid",
		"the management credential was rejected as unknown: check that the token is complete and belongs to the system behind the base URL"},
	{CodeRevokedAPIKey, 401, "API key has been revoked",
		"the management credential itself, not the key being managed, has been revoked: supply another token"},
	{CodeExpiredAPIKey, 401, "API key has expired",
		"the management credential itself, not the key being managed, has expired: supply another token"},
	{CodeInactiveOrganization, 403, "Organization is not active",
		"the organization that the token belongs to is not active: have it reactivated, then try again"},
	{CodeIPRestricted, 403, "API key not authorized for this IP",
		"the management credential may not be used from this address: run from an allowed one, or change the credential's IP restrictions"},
	{CodeInsufficientScope, 403, "Key lacks required scope",
		"the management credential lacks a scope: use an organization admin's session token, or an API key with admin:read and admin:write"},
}

// Codes returns the documented error codes in the vendor's order.
func Codes() []CodeInfo { return slices.Clone(codeInfos) }

// normalizeCode maps the spellings of a documented code to its constant and returns any other code as it is.
func normalizeCode(s string) Code {
	upper := Code(strings.ToUpper(s))
	if upper == "IP_RESTRICTION" {
		return CodeIPRestricted
	}
	for _, info := range codeInfos {
		if info.Code == upper {
			return upper
		}
	}
	return Code(s)
}

// webPageHint is for HTML where the API would have answered JSON.
const webPageHint = "the answer is a web page, not the API's: check the base URL, and whether a proxy, a firewall or a sign-in page stands in between"

// hintFor says what to do, by code if it is a documented one, else by status.
func hintFor(code Code, status int, webPage bool) string {
	for _, info := range codeInfos {
		if info.Code == code {
			return info.Remedy
		}
	}
	if webPage && status < 500 && status != 429 {
		return webPageHint
	}
	return statusHint(status)
}

func statusHint(status int) string {
	switch {
	case status >= 200 && status < 300:
		return "the API reported success in a form that is not understood: check that the base URL is that of the Better Data API"
	case status >= 300 && status < 400:
		return "the API redirected the request, and following could send the token elsewhere: set the base URL to the final address"
	case status >= 500:
		return "the API or a gateway before it failed: try again later"
	}
	if hint, ok := clientErrorHints[status]; ok {
		return hint
	}
	return fmt.Sprintf("the API refused the request with status %d: see its message", status)
}

var clientErrorHints = map[int]string{
	400: "the API did not accept the request's values: check name and scopes",
	401: "the management credential was rejected: supply a valid token (a session token, or an API key with admin scopes), and check the base URL",
	403: "the management credential may not do this: use an organization admin's session token, or an API key with admin:read and admin:write",
	404: "the API knows no such key or no such address: the key may belong to another tenant, or the base URL may be wrong (it ends in /api)",
	408: "the API did not receive the request in time: try again",
	409: "the request conflicts with the key's present state, such as a name in use or a key already revoked: look at the key and try again",
	422: "the API did not accept the request's values: check name and scopes",
	429: "the API's rate limit is used up: it is shared by everything that uses this credential; try again later",
}
