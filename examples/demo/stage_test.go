package main

import (
	"encoding/base64"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// newStage is a stage without cluster and operator.
func newStage(t *testing.T) (*operatorDemo, *strings.Builder) {
	t.Helper()
	var out strings.Builder
	return &operatorDemo{story: story{out: &out, began: time.Now()}, programs: programs{root: "/repository"}, dir: "/tmp/stage", patience: time.Minute}, &out
}

func TestCommandsAreShownAsTyped(t *testing.T) {
	t.Parallel()
	d, _ := newStage(t)
	args := []string{"apply", "-f", "/repository/examples/operator/apikey.yaml", "--from-file=token=/tmp/stage/token", `{"a": 1}`}
	if got, want := d.typed(args), `apply -f examples/operator/apikey.yaml --from-file=token=token '{"a": 1}'`; filepath.Separator == '/' && got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLongOutputIsCut(t *testing.T) {
	t.Parallel()
	for lines, shown := range map[int]int{1: 1, 12: 12, 13: 13, 14: 13, 30: 13} {
		d, out := newStage(t)
		d.printed(strings.TrimSpace(strings.Repeat("line\n", lines)))
		if got := strings.Count(out.String(), "\n"); got != shown {
			t.Errorf("of %d lines %d are shown, want %d", lines, got, shown)
		}
	}
}

func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	d, _ := newStage(t)
	tries := 0
	if !d.eventually(t.Context(), func() bool { tries++; return tries == 3 }) || tries != 3 {
		t.Errorf("gave up after %d tries", tries)
	}
	d.patience = time.Millisecond
	if d.eventually(t.Context(), func() bool { return false }) {
		t.Error("what never comes true came true")
	}
}

// A consumer takes each version of the Secret, keeps what it has when the entry is missing, and tells every answer that was
// not 200.
func TestConsumerFollowsTheSecret(t *testing.T) {
	t.Parallel()
	c := &consumer{answers: map[string]int{}}
	for _, version := range []string{"one", "one", "", "two"} {
		c.reload(base64.StdEncoding.EncodeToString([]byte(version)))
	}
	c.reload("no base64")
	if strings.Join(c.keys, " ") != "one two" || c.key != "two" {
		t.Errorf("it has seen %q and uses %q", c.keys, c.key)
	}
	c.answers["200"] = 5
	if fine, other, keys := c.seen(); fine != 5 || other != "nothing else" || keys != 2 {
		t.Errorf("got %d, %s, %d", fine, other, keys)
	}
	c.answers["401 REVOKED_API_KEY"]++
	if _, other, _ := c.seen(); other != "1 times 401 REVOKED_API_KEY" {
		t.Errorf("other answers: %s", other)
	}
}

// The operator dies after a key was issued and before the answer is sent, and only when that was asked for.
func TestOutageStrikesBetweenKeyAndAnswer(t *testing.T) {
	t.Parallel()
	outage := newOutage()
	tenant, err := openTenant(t.Context(), t.TempDir(), "", sandbox.WithIssueHook(outage.issued))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tenant.close)
	create := func() {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tenant.url+"/admin/api-keys", strings.NewReader(`{"name": "a", "scopes": ["inventory:read"]}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+tenant.api.SessionToken())
		resp, err := tenant.consumer.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	victim, err := startProcess(t.Context(), filepath.Join(t.TempDir(), "log"), "sleep", "600")
	if err != nil {
		t.Fatal(err)
	}
	create()
	struck := outage.await(victim)
	create()
	select {
	case id := <-struck:
		if keys := tenant.api.Keys(); len(keys) != 2 || id != keys[1].ID || victim.cmd.ProcessState == nil {
			t.Errorf("struck at %s of %v, process ended: %v", id, keys, victim.cmd.ProcessState)
		}
	default:
		t.Error("the second key was issued and nothing happened")
	}
	create() // nobody is left to be killed
}
