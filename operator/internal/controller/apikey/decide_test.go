package apikey

import (
	"slices"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// rested lists the reasons that the Rest must give.
type rested []Reason

// TestDecideRests names every sentence of the design by which nothing, or nothing yet, is done.
func TestDecideRests(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		edits   []func(o *Observation)
		reasons rested
	}{
		"a steady key":                                 {nil, nil},
		"dead key, strays without a date":              {do(deadKey, stray("s1", time.Minute), stray("s2", time.Minute), datelessStrays), rested{StrayPending}},
		"dead key, strays":                             {do(deadKey, stray("s1", time.Minute), stray("s2", time.Minute)), rested{StrayPending}},
		"leaked, immutable Secret shows it":            {do(rotated(time.Hour), former, leaked, func(o *Observation) { o.Former[0].Ownership = Unusable }), rested{SecretConflict}},
		"former Secret in use":                         {do(former, formerInUse), rested{InUse}},
		"restart pending, sequence raised":             {do(restartPending, func(o *Observation) { o.Target.Sequence = 7 }, failing("upkeep/reader", Failure{Reason: KubernetesUnavailable})), rested{KubernetesUnavailable}},
		"deleted, Retain, key just issued":             {do(deleted, retained, gone, func(o *Observation) { o.Ledgers[0].IssuedAt = now }, failing("publish/reader", Failure{Reason: Verifying})), rested{Verifying}},
		"API down, steady":                             {do(offline), rested{APIUnavailable}},
		"API down, rotation due":                       {do(due, offline), rested{APIUnavailable}},
		"API down, first key":                          {do(fresh, offline), rested{APIUnavailable}},
		"another tenant":                               {do(mismatch, due, asked), rested{TenantMismatch}},
		"another tenant, key unlisted for long":        {do(mismatch, absent), rested{TenantMismatch}},
		"suspended, first key":                         {do(fresh, suspended), rested{Suspended}},
		"suspended, due":                               {do(due, suspended), rested{Suspended}},
		"suspended, drift of scopes":                   {do(drifted, suspended), rested{Suspended}},
		"Connection suspends minting":                  {do(fresh, func(o *Observation) { o.Connection.SuspendMinting = true }), rested{MintingSuspended}},
		"cap of mints reached":                         {do(due, func(o *Observation) { o.Connection.CapUntil = now.Add(time.Hour) }), rested{MintLimitReached}},
		"not admitted, first key":                      {do(fresh, refused), rested{ScopesNotAllowed}},
		"not admitted, drift of scopes":                {do(drifted, refused), rested{ScopesNotAllowed}},
		"no Connection":                                {do(fresh, offline, func(o *Observation) { o.Connection.Missing = true }), rested{WaitingForConnection}},
		"invalid window, due":                          {do(due, func(o *Observation) { o.Settings.Invalid = "no such time zone" }), rested{InvalidWindow}},
		"invalid window, not due":                      {do(hasBadWindow), rested{InvalidWindow}},
		"rotate-overlap unreadable, token new":         {do(asked, hasBadOverlap), rested{InvalidRotateOverlap}},
		"rotate-overlap unreadable, dead and Hold":     {do(asked, hasBadOverlap, deadKey, hold), rested{InvalidRotateOverlap, KeyDead}},
		"quota used up, first key":                     {do(fresh, connection(exhausted)), rested{WaitingForQuota}},
		"quota used up, adopting":                      {do(fresh, adopting, connection(exhausted)), rested{WaitingForQuota}},
		"due, but not listed":                          {do(due, unlisted("k1")), rested{WaitingForListing}},
		"namespace ends, first key":                    {do(fresh, terminating), rested{NamespaceTerminating}},
		"foreign target before the first key":          {do(fresh, owned(Foreign)), rested{SecretConflict}},
		"immutable target before a rotation":           {do(owned(Unusable), due, asked), rested{SecretConflict}},
		"template that cannot be rendered":             {do(gone, func(o *Observation) { o.Ledgers[0].RenderFailed = "bad" }), rested{InvalidTemplate}},
		"absent, one listing only":                     {do(unlisted("k1"), missed(10*time.Second)), nil},
		"absent, but young":                            {do(absent, aged(14*time.Minute)), nil},
		"absent, but never seen so before":             {do(unlisted("k1")), nil},
		"dead and Hold":                                {do(listed("k1", apiclient.StatusRevoked), hold), rested{KeyDead}},
		"unknown status":                               {do(listed("k1", "FROZEN")), nil},
		"overlap runs":                                 {do(rotated(23 * time.Hour)), rested{Overlap}},
		"overlap over, successor not listed":           {do(rotated(25*time.Hour), unlisted("k2")), rested{WaitingForListing}},
		"overlap over, workloads rolling":              {do(rotated(25*time.Hour), func(o *Observation) { o.Workloads.Configured = true }), rested{AwaitingRollout}},
		"overlap over, marker gone from old key":       {do(rotated(25*time.Hour), nameless), rested{MarkerMissing}},
		"overlap over, API down":                       {do(rotated(25*time.Hour), offline), rested{APIUnavailable}},
		"stray within its grace":                       {do(stray("s1", time.Minute)), rested{PlaintextLost}},
		"stray, second listing began too early":        {do(stray("s1", 2*time.Minute+30*time.Second)), rested{PlaintextLost}},
		"stray from before a restore":                  {do(stray("s1", time.Hour), restoredStray), rested{RestoreSuspected}},
		"two strays, first key":                        {do(fresh, stray("s1", time.Minute), stray("s2", time.Minute)), rested{StrayPending}},
		"two unknown outcomes, first key":              {do(fresh, unknown, unknown), rested{OutcomeUnknown}},
		"six keys, rotation due":                       {do(many, due), rested{TooManyPreviousKeys}},
		"adoption not allowed":                         {do(fresh, adopting, func(o *Observation) { o.Connection.AllowAdoption = false }), rested{AdoptionRefused}},
		"adopting a key that is not listed":            {do(fresh, adopting, unlisted("a1")), rested{AdoptionRefused}},
		"adopting another operator's key":              {do(fresh, adopting, called("a1", "x [k8s:ffffffff:ffffffffffff]")), rested{AdoptionRefused}},
		"adopting Terraform's key":                     {do(fresh, adopting, called("a1", "x [tf:ffffffff]")), rested{AdoptionRefused}},
		"adopting more scopes than allowed":            {do(fresh, adopting, func(o *Observation) { o.Connection.AllowedScopes = []string{"reports:read"} }), rested{AdoptionRefused}},
		"patched already, the API keeps its scopes":    {do(drifted, patched), rested{NormalizedByAPI}},
		"marker gone from the newest key":              {do(nameless), rested{MarkerMissing}},
		"restart pending while suspended":              {do(suspended, restartPending), rested{Suspended}},
		"a rotate that failed a moment ago":            {do(asked, failed("mint")), rested{APIUnavailable}},
		"the token of the first creation":              {do(func(o *Observation) { o.Object.RotateToken, o.Ledgers[0].Token = "t", "t" }), nil},
		"deleted, without our finalizer":               {do(deleted, func(o *Observation) { o.Object.Finalizer = false }), nil},
		"deleted, API down":                            {do(deleted, offline), rested{RevocationPending, APIUnavailable}},
		"deleted, API down for two days":               {do(offline, func(o *Observation) { o.Object.DeletedAt = now.Add(-48 * time.Hour) }), rested{RevocationOverdue}},
		"deleted, another tenant":                      {do(deleted, mismatch), rested{TenantMismatch}},
		"deleted, key unlisted and unproven":           {do(deleted, unlisted("k1")), rested{RevocationPending}},
		"deleted, marker gone":                         {do(deleted, nameless), rested{MarkerMissing}},
		"deleted, others use our token":                {do(deleted, func(o *Observation) { o.Connection.OthersDepend = true }), rested{InUse}},
		"deleted, leadership young":                    {do(deleted, listed("k1", apiclient.StatusRevoked), func(o *Observation) { o.LeaderSince = now.Add(-time.Minute) }), rested{Revoking}},
		"deleted, an answer was lost":                  {do(deleted, listed("k1", apiclient.StatusRevoked), unknown), rested{Revoking}},
		"deleted, listing older than the deletion":     {do(listed("k1", apiclient.StatusRevoked), func(o *Observation) { o.Object.DeletedAt = now.Add(-time.Second) }), rested{Revoking}},
		"former target behind, API down":               {do(rotated(time.Hour), former, offline), rested{APIUnavailable}},
		"former target behind, successor unlisted":     {do(rotated(time.Hour), former, unlisted("k2")), nil},
		"overlap over, old key in an immutable one":    {do(rotated(25*time.Hour), former, immutable, failed("target/before")), rested{APIUnavailable}},
		"lost key not yet listed, previous one beside": {do(rotated(5*time.Minute), unlisted("k2"), showsPrevious, lost, notListedYet), rested{WaitingForListing}},
		"target may hold a key not yet listed":         {do(fresh, holdsUnknown(5*time.Minute)), rested{WaitingForListing}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			mustRest(t, decide(seen(test.edits...), now), test.reasons...)
		})
	}
}

// TestDecideActs names what is done, by the key of the action.
func TestDecideActs(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		edits  []func(o *Observation)
		action string // Action.key
	}{
		"no finalizer yet":                             {do(fresh, func(o *Observation) { o.Object.Finalizer = false }), "finalizer"},
		"first key":                                    {do(fresh), "mint"},
		"first key, one stray":                         {do(fresh, stray("s1", time.Minute)), "mint"},
		"revoked upstream":                             {do(listed("k1", apiclient.StatusRevoked)), "mint"},
		"expired upstream":                             {do(listed("k1", apiclient.StatusExpired)), "mint"},
		"proven absent":                                {do(absent), "mint"},
		"known dead, listing hides it":                 {do(unlisted("k1"), func(o *Observation) { o.KnownDead = map[string]bool{"k1": true} }), "mint"},
		"due":                                          {do(due), "mint"},
		"asked for":                                    {do(asked), "mint"},
		"asked for, not listed":                        {do(asked, unlisted("k1")), "mint"},
		"due, rotate-overlap unreadable":               {do(due, asked, hasBadOverlap), "mint"},
		"dead, rotate-overlap unreadable":              {do(deadKey, asked, hasBadOverlap), "mint"},
		"quota used up: revocations go on":             {do(rotated(25*time.Hour), connection(exhausted)), "revoke/k1"},
		"quota used up: strays are revoked":            {do(stray("s1", 4*time.Minute), connection(exhausted)), "revoke/s1"},
		"quota used up: a lost ledger is recovered":    {do(lost, connection(exhausted)), "seal/k1"},
		"quota used up: deletion goes on":              {do(deleted, connection(exhausted)), "revoke/k1"},
		"Hold released by a token":                     {do(listed("k1", apiclient.StatusRevoked), hold, asked), "mint"},
		"six keys, asked for":                          {do(many, asked), "mint"},
		"target deleted":                               {do(gone), "publish/reader"},
		"target deleted, suspended and API down":       {do(gone, suspended, offline), "publish/reader"},
		"target tampered with":                         {do(func(o *Observation) { o.Target.Entries = map[string]string{"api-key": "x"} }), "publish/reader"},
		"target labels changed":                        {do(func(o *Observation) { o.Target.MetaInSync = false }), "upkeep/reader"},
		"publication not yet confirmed":                {do(func(o *Observation) { o.Target.PublishedAt = time.Time{} }), "upkeep/reader"},
		"successor sealed":                             {do(sealedOnly), "publish/reader"},
		"successor with other scopes: corrected first": {do(sealedOnly, scoped("k2")), "patch/k2"},
		"newest dead, older one lives":                 {do(rotated(time.Hour), listed("k2", apiclient.StatusRevoked), hold), "publish/reader"},
		"scopes differ":                                {do(drifted), "patch/k1"},
		"name differs":                                 {do(called("k1", "old "+name)), "patch/k1"},
		"overlap over":                                 {do(rotated(25 * time.Hour)), "revoke/k1"},
		"overlap zero":                                 {do(rotated(time.Second), func(o *Observation) { o.Ledgers[1].Overlap = 0 }), "revoke/k1"},
		"overlap over, workloads stuck for a day":      {do(rotated(49*time.Hour), func(o *Observation) { o.Workloads.Configured = true }), "revoke/k1"},
		"overlap over while suspended":                 {do(rotated(25*time.Hour), suspended), "revoke/k1"},
		"overlap over, previous key still shown":       {do(rotated(25*time.Hour), showsPrevious), "upkeep/reader"},
		"old key dead":                                 {do(rotated(time.Hour), listed("k1", apiclient.StatusRevoked)), "ledger/1"},
		"id kept by the rotation":                      {do(inPlace), "ledger/1"},
		"tombstone, old":                               {do(tombstoned(2 * time.Hour)), "ledger/1"},
		"stray":                                        {do(stray("s1", 4*time.Minute)), "revoke/s1"},
		"stray from before a restore, overlap over":    {do(stray("s1", 26*time.Hour), restoredStray), "revoke/s1"},
		"stray in the target: its ledger was lost":     {do(lost), "seal/k1"},
		"ledger lost, seal failing: nothing is minted": {do(rotated(time.Hour), lost, asked), "seal/k2"},
		"dead key, strays of a restore":                {do(deadKey, stray("s1", time.Minute), stray("s2", time.Minute), restoredStrays), "mint"},
		"adopt: marked first":                          {do(fresh, adopting), "patch/a1"},
		"adopt: then rotated":                          {do(fresh, adopting, called("a1", "old ["+string(ours)+"]")), "mint"},
		"adopted key, overlap over":                    {do(adopted), "revoke/a1"},
		"restart pending":                              {do(restartPending), "restart"},
		"restart pending in a former Secret":           {do(former, func(o *Observation) { o.Former[0].RestartPending = true }), "restart"},
		"key lost, its upkeep in vain":                 {do(gone, failing("upkeep/reader", Failure{Reason: Reverted})), "publish/reader"},
		"successor sealed, upkeep in vain":             {do(sealedOnly, failing("upkeep/reader", Failure{Reason: Reverted})), "publish/reader"},
		"renamed target":                               {do(gone, former), "publish/reader"},
		"former target behind":                         {do(rotated(time.Hour), former), "publish/before"},
		"former target, overlap over":                  {do(former, func(o *Observation) { o.Former[0].PublishedAt = now.Add(-48 * time.Hour) }), "target/before"},
		"deleted":                                      {do(deleted), "revoke/k1"},
		"deleted while suspended and not admitted":     {do(deleted, suspended, refused), "revoke/k1"},
		"deleted, strays first":                        {do(deleted, stray("a-stray", 0)), "revoke/a-stray"},
		"deleted, all dead":                            {do(deleted, listed("k1", apiclient.StatusRevoked)), "release/false"},
		"deleted, never minted, Connection gone":       {do(fresh, deleted, offline, func(o *Observation) { o.Connection.Missing = true }), "release/false"},
		"deleted, own token revoked last":              {do(deleted, offline, ownToken), "release/false"},
		"deleted, Retain":                              {do(deleted, retained), "release/true"},
		"deleted, Retain, Secret gone":                 {do(deleted, retained, gone), "publish/reader"},
		"deleted, Retain, Secret gone, key dead":       {do(deleted, retained, gone, listed("k1", apiclient.StatusRevoked)), "release/true"},
		"deleted, Retain, Secret cannot be written":    {do(deleted, retained, gone, failing("publish/reader", Failure{})), "release/true"},
		"deleted, Retain, successor only sealed":       {do(deleted, retained, sealedOnly), "publish/reader"},
		"deleted, Retain, API down":                    {do(deleted, retained, offline), "release/true"},
		"deleted, Retain, overlap runs":                {do(rotated(time.Hour), deleted, retained), "release/true"},
		"deleted, Retain, overlap over":                {do(rotated(25*time.Hour), deleted, retained), "revoke/k1"},
		"deleted, Retain, overlap over, revoke fails":  {do(rotated(25*time.Hour), deleted, retained, failing("revoke/k1", Failure{})), "release/true"},
		"deleted, Retain, overlap over, API down":      {do(rotated(25*time.Hour), deleted, retained, offline), "release/true"},
		"deleted, Retain, stray":                       {do(stray("s1", time.Hour), deleted, retained), "revoke/s1"},
		"deleted, Retain, young stray":                 {do(stray("s1", time.Second), deleted, retained), "release/true"},
		"deleted, Retain, half let go":                 {do(stray("k1", time.Hour), fresh, stray("k1", time.Hour), deleted, retained), "release/true"},
		"deleted, Retain, unverified for long":         {do(deleted, retained, gone, failing("publish/reader", Failure{Reason: Verifying})), "release/true"},
		"deleted, Retain, another tenant":              {do(deleted, retained, mismatch), "release/true"},
		"deleted, others use our token: kept in step":  {do(deleted, gone, func(o *Observation) { o.Connection.OthersDepend = true }), "publish/reader"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if action := decide(seen(test.edits...), now); action.key() != test.action {
				t.Errorf("did %T %+v, should do %s", action, action, test.action)
			}
		})
	}
}

// What lives on when an ApiKey is let go is told: nobody else will.
func TestRetainTellsWhatLivesOn(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		edits []func(o *Observation)
		keeps string
		left  []string
	}{
		"nothing else":    {do(deleted, retained), "k1", nil},
		"overlap runs":    {do(rotated(time.Hour), deleted, retained), "k2", []string{"k1"}},
		"API down":        {do(rotated(25*time.Hour), deleted, retained, offline), "k2", []string{"k1"}},
		"revoke fails":    {do(rotated(25*time.Hour), deleted, retained, failing("revoke/k1", Failure{})), "k2", []string{"k1"}},
		"young stray":     {do(stray("s1", time.Second), deleted, retained), "k1", []string{"s1"}},
		"held by another": {do(sealedOnly, owned(Unusable), deleted, retained), "", []string{"k2"}},
		"let go already":  {do(fresh, stray("k1", time.Hour), deleted, retained), "", nil},
		"API down alone":  {do(deleted, retained, offline), "k1", nil},
		"everything dead": {do(listed("k1", apiclient.StatusRevoked), deleted, retained), "", nil},
	} {
		release, ok := decide(seen(test.edits...), now).(Release)
		if !ok || release.KeepID != test.keeps || !slices.Equal(release.Left, test.left) {
			t.Errorf("%s: %+v, want %q kept and %v left alive", title, release, test.keeps, test.left)
		}
	}
}

// What is looked at again is looked at later: a time in the past would be again and again.
func TestFormerSecretNeverWakesAtOnce(t *testing.T) {
	t.Parallel()
	for title, edits := range map[string][]func(o *Observation){
		"API down":          {rotated(time.Hour), former, leaked, offline},
		"it cannot be read": {rotated(time.Hour), former, leaked, failed("publish/before")},
	} {
		rest, resting := decide(seen(edits...), now).(Rest)
		if !resting || !rest.Until.IsZero() && !rest.Until.After(now) {
			t.Errorf("%s: %+v", title, rest)
		}
	}
}

// Whatever people write into the annotation, the next sequence is one that a ledger can have.
func TestNextSequence(t *testing.T) {
	t.Parallel()
	for annotation, want := range map[int]int{-5: 1, 0: 1, 7: 8} {
		o := seen(fresh)
		o.Target.Sequence = annotation
		if got := o.nextSequence(); got != want {
			t.Errorf("after %d: %d, want %d", annotation, got, want)
		}
	}
}
