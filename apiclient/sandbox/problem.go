package sandbox

import "net/http"

// The error codes of the vendor's page.
const (
	codeMissingAuthorization = "MISSING_AUTHORIZATION"
	codeInvalidAPIKey        = "INVALID_API_KEY"
	codeRevokedAPIKey        = "REVOKED_API_KEY"
	codeExpiredAPIKey        = "EXPIRED_API_KEY"
	codeInactiveOrganization = "INACTIVE_ORGANIZATION"
	codeIPRestricted         = "IP_RESTRICTED"
	codeInsufficientScope    = "INSUFFICIENT_SCOPE"
)

// problem is an error answer before a dialect gives it its shape. Only the seven errors of the page have a code.
// Nothing that the caller sent is repeated in it: a plaintext pasted into the wrong field would reach logs.
type problem struct {
	status  int
	code    string
	message string
	details object
}

var (
	errMissingAuthorization = &problem{status: http.StatusUnauthorized, code: codeMissingAuthorization, message: "Authorization header missing"}
	errInvalidAPIKey        = &problem{status: http.StatusUnauthorized, code: codeInvalidAPIKey, message: "API key not found or invalid"}
	errRevokedAPIKey        = &problem{status: http.StatusUnauthorized, code: codeRevokedAPIKey, message: "API key has been revoked"}
	errExpiredAPIKey        = &problem{status: http.StatusUnauthorized, code: codeExpiredAPIKey, message: "API key has expired"}
	errInactiveOrganization = &problem{status: http.StatusForbidden, code: codeInactiveOrganization, message: "Organization is not active"}
	errIPRestricted         = &problem{status: http.StatusForbidden, code: codeIPRestricted, message: "API key not authorized for this IP"}

	errKeyNotFound      = &problem{status: http.StatusNotFound, message: "API key not found"}
	errKeyDead          = &problem{status: http.StatusConflict, message: "API key is revoked or expired and can no longer be changed"}
	errUnknownPath      = &problem{status: http.StatusNotFound, message: "Not found"}
	errMethodNotAllowed = &problem{status: http.StatusMethodNotAllowed, message: "Method not allowed"}
	errBodyTooLarge     = &problem{status: http.StatusRequestEntityTooLarge, message: "Request body too large"}
	errRateLimited      = &problem{status: http.StatusTooManyRequests, message: "Too many requests"}
	errInternal         = &problem{status: http.StatusInternalServerError, message: "Internal server error"}
)

func errInsufficientScope(required string) *problem {
	return &problem{
		status: http.StatusForbidden, code: codeInsufficientScope, message: "Key lacks required scope",
		details: object{"requiredScope": required},
	}
}

// errValidation names the field at fault, or "body", and what is wrong with it.
func errValidation(field, issue string) *problem {
	return &problem{status: http.StatusBadRequest, message: "Validation failed", details: object{"field": field, "issue": issue}}
}

// body is the error envelope: {"error": message, "details": ...} by the overview of the API, with the code where the
// dialect puts it.
func (p *problem) body(d Dialect) object {
	b := object{"error": p.message}
	if p.details != nil {
		b["details"] = p.details
	}
	if d.ErrorCode == "error.code" {
		return p.nestedBody()
	}
	if p.code == "" {
		return b
	}
	switch d.ErrorCode {
	case "errorCode":
		b["errorCode"] = p.code
	case "details.code":
		details := object{"code": p.code}
		for name, value := range p.details {
			details[name] = value
		}
		b["details"] = details
	case "error":
		b["error"], b["message"] = p.code, p.message
	default:
		b["code"] = p.code
	}
	return b
}

func (p *problem) nestedBody() object {
	inner := object{"message": p.message}
	if p.code != "" {
		inner["code"] = p.code
	}
	if p.details != nil {
		inner["details"] = p.details
	}
	return object{"error": inner}
}

// answer turns the problem into what is sent.
func (p *problem) answer(d Dialect) answer {
	return answer{status: p.status, code: p.code, body: p.body(d)}
}
