package apiclient

import (
	"encoding/json"
	"errors"
	"time"
)

type Operation string

const (
	OpList   Operation = "list keys"
	OpCreate Operation = "create key"
	OpUpdate Operation = "update key"
	OpRevoke Operation = "revoke key"
	OpRotate Operation = "rotate key"
)

type Code string

const (
	CodeMissingAuthorization Code = "MISSING_AUTHORIZATION"
	CodeInvalidAPIKey        Code = "INVALID_API_KEY"
	CodeRevokedAPIKey        Code = "REVOKED_API_KEY"
	CodeExpiredAPIKey        Code = "EXPIRED_API_KEY"
	CodeInactiveOrganization Code = "INACTIVE_ORGANIZATION"
	CodeIPRestricted         Code = "IP_RESTRICTED" // also sent as IP_RESTRICTION (facts C1): normalised to this
	CodeInsufficientScope    Code = "INSUFFICIENT_SCOPE"
)

// Error is every non-2xx answer, 3xx included, and every 2xx that cannot be understood (Status 2xx).
type Error struct {
	Op        Operation
	KeyID     string // empty for list and create
	Status    int
	Code      Code
	Message   string // the server's, through redaction, at most 200 characters; or a snippet of a non-JSON body
	Details   json.RawMessage
	RequestID string
	Hint      string     // what the reader should do; by code, else by status
	RetryAt   *time.Time // from Retry-After and friends
}

func (e *Error) Error() string { panic("todo") }

// ErrOutcomeUnknown: a create or rotate may have been executed although no plaintext was received. Found with
// errors.Is; errors.As to *Error finds the cause where there was an answer.
var ErrOutcomeUnknown = errors.New("outcome unknown")

// ErrNotExecuted is wrapped (errors.Is) by create and rotate errors known to have executed nothing: see design 4.
var ErrNotExecuted = errors.New("not executed")

func IsUnauthorized(err error) bool         { panic("todo") } // any 401 (facts G11: the caller's credential)
func IsForbidden(err error) bool            { panic("todo") }
func IsNotFound(err error) bool             { panic("todo") }
func IsConflict(err error) bool             { panic("todo") }
func IsRateLimited(err error) bool          { panic("todo") } // 429 or *QuotaError
func HasCode(err error, codes ...Code) bool { panic("todo") }
