package tenant

import (
	"fmt"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// ErrTokenMissing says that the token Secret or its entry does not exist, or is empty.
var ErrTokenMissing = fmt.Errorf("%w: there is no token", apikey.ErrConnectionNotReady)

// InvalidSettingsError says that no client can be made of the connection's settings.
type InvalidSettingsError struct{ Why string }

// Error implements error.
func (e *InvalidSettingsError) Error() string { return "the settings are invalid: " + e.Why }

// Is makes it an apikey.ErrConnectionNotReady.
func (e *InvalidSettingsError) Is(target error) bool { return target == apikey.ErrConnectionNotReady }

// Report is what a poll found.
type Report struct {
	// View is a complete listing. It is nil where there is none to go by: then Failure says why.
	View *apiclient.View
	Facts
}

// Facts is what is known of a connection now.
type Facts struct {
	Authentication v1alpha1.AuthenticationState
	Quota          v1alpha1.QuotaState
	// QuotaMinute and QuotaHour are the requests left, -1 where that is not known.
	QuotaMinute, QuotaHour int
	// Failure is why requests are held back: ErrTokenMissing, *InvalidSettingsError, *apiclient.QuotaError,
	// *apiclient.Error, or another error of the last request. With ErrTokenMissing there may still be a View: the last
	// good token goes on revoking. Nil: none.
	Failure error
	// RetryAt is when the next request may be made after a Failure; zero where only a change can help.
	RetryAt time.Time
	// DropsNames: rotate was seen not to carry names over.
	DropsNames bool
	// StraysRevoked counts since this process started.
	StraysRevoked int64
	// TokenFingerprint tells tokens apart; it is for comparing in memory only.
	TokenFingerprint string
}
