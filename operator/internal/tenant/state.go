package tenant

import (
	"context"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// State implements apikey.Connection, from caches and memory.
func (c *connection) State(ctx context.Context) (apikey.State, error) {
	settings, now := c.obj.Settings(), c.pool.options.Now()
	if err := c.seedMints(ctx); err != nil {
		return apikey.State{}, err
	}
	refused, err := c.refusal(ctx, c.obj)
	if err != nil {
		return apikey.State{}, err
	}
	depend, err := c.othersDepend(ctx)
	if err != nil {
		return apikey.State{}, err
	}
	_, tokenErr := c.entry.present()
	state := apikey.State{
		ConnectionState: apikey.ConnectionState{
			Identity:       c.entry.identity,
			SuspendMinting: settings.SuspendMinting,
			CapUntil:       c.cappedUntil(ctx, now, settings),
			Refused:        refused.message, RefusedReason: refused.reason,
			AllowAdoption: settings.AllowAdoption, AllowedScopes: allowedScopes(c.obj),
			DropsNames:   c.entry.namesDropped() || c.obj.ConnectionStatus().SuccessorMethod == v1alpha1.SuccessorCreate,
			OthersDepend: depend,
		},
		PollInterval:   settings.Poll(),
		TenantAccepted: c.accepted(),
	}
	if tokenErr != nil {
		state.TokenMissing = tokenErr.Error()
	}
	if c.session != nil {
		state.TokenHeldBy = c.session.token.fingerprint
		state.QuotaUntil = c.session.quotaUsedUpUntil()
	}
	return state, nil
}

// cappedUntil is when the ApiKey's next mint may be made. Its first is above the cap.
func (c *connection) cappedUntil(ctx context.Context, now time.Time, settings *v1alpha1.ConnectionSettings) time.Time {
	if !c.hasPlace(ctx, c.resource.UID) {
		return time.Time{}
	}
	return c.entry.mints.cappedUntil(now, settings.MintCap())
}

// accepted reports whether a person has accepted the tenant that address and token lead to now.
func (c *connection) accepted() bool {
	accepted := c.obj.ConnectionStatus().AcceptedTenant
	return accepted != "" && accepted == c.entry.stamp()
}

// seedMints counts the mints of the time before this process, once.
func (c *connection) seedMints(ctx context.Context) error {
	return c.entry.mints.seed(c.pool.options.Now(), func() ([]apikey.Known, error) {
		return c.pool.options.Ledgers.Known(ctx, c.entry.identity)
	})
}

// facts is what is known of the connection now.
func (e *entry) facts() Facts {
	session, tokenErr := e.present()
	f := Facts{
		Authentication: v1alpha1.AuthenticationUnknown, Quota: v1alpha1.QuotaUnknown, QuotaMinute: -1, QuotaHour: -1,
		DropsNames: e.namesDropped(), StraysRevoked: e.pool.straysRevoked(e.identity),
	}
	if session != nil {
		session.tell(&f)
	}
	if tokenErr != nil {
		f.Failure = tokenErr
		f.RetryAt = e.rereadTime()
	}
	return f
}

// tell fills in what the session knows.
func (s *session) tell(f *Facts) {
	f.TokenFingerprint = s.token.fingerprint
	if s.invalid != nil {
		f.Failure = s.invalid
		return
	}
	f.QuotaMinute, f.QuotaHour, f.Quota = s.quota()
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Authentication = s.authentication
	if f.Failure = s.gate.told(); f.Failure != nil {
		f.RetryAt = s.gate.until
	}
	if s.pool.options.Now().Before(s.quotaUntil) {
		f.Quota = v1alpha1.QuotaExhausted
	}
}

// quota returns the requests left, and in how few words that can be said.
func (s *session) quota() (minute, hour int, state v1alpha1.QuotaState) {
	m, h := s.client.QuotaLeft()
	state = v1alpha1.QuotaUnknown
	for _, allowance := range []apiclient.Allowance{m, h} {
		switch {
		case allowance.Left == 0:
			return m.Left, h.Left, v1alpha1.QuotaExhausted
		case allowance.Left < 0:
		case allowance.Limit > 0 && allowance.Left*10 < allowance.Limit:
			state = v1alpha1.QuotaLow
		case state == v1alpha1.QuotaUnknown:
			state = v1alpha1.QuotaAmple
		}
	}
	return m.Left, h.Left, state
}
