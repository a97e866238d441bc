package apitest

import (
	"regexp"
	"testing"
	"time"
	_ "time/tzdata" // the machine that runs the tests may have no time zones

	"github.com/robfig/cron/v3"
)

// The rules on schedules are written by hand; the parser that the operator uses must not refuse what they accept.
func TestAcceptedSchedulesCanBeParsed(t *testing.T) {
	t.Parallel()
	schedule, zone := regexp.MustCompile(`schedule: '([^']+)'`), regexp.MustCompile(`timeZone: '([^']+)'`)
	parsed := 0
	for _, c := range windowCases() {
		for _, addition := range c.accept {
			if found := schedule.FindStringSubmatch(addition); found != nil {
				parsed++
				if _, err := cron.ParseStandard(found[1]); err != nil {
					t.Errorf("%q: %v", found[1], err)
				}
			}
			if found := zone.FindStringSubmatch(addition); found != nil {
				parsed++
				if _, err := time.LoadLocation(found[1]); err != nil {
					t.Errorf("%q: %v", found[1], err)
				}
			}
		}
	}
	if parsed < 20 {
		t.Errorf("only %d schedules and time zones found among the cases", parsed)
	}
}
