package apiclient

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

// The server's clock is a day ahead of ours: absolute times count by its Date header.
var (
	localNow  = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	remoteNow = localNow.Add(24 * time.Hour)
)

func TestReadRate(t *testing.T) {
	t.Parallel()
	unix := func(d time.Duration) string { return strconv.FormatInt(remoteNow.Add(d).Unix(), 10) }
	date := func(d time.Duration) string { return remoteNow.Add(d).Format(http.TimeFormat) }
	tests := map[string]struct {
		retryAfter, reset, body string
		wantRetryAfter          time.Duration
		wantReset               time.Duration // 0: none
	}{
		"nothing":                      {},
		"retry after seconds":          {retryAfter: "7", wantRetryAfter: 7 * time.Second},
		"retry after fraction":         {retryAfter: "1.5", wantRetryAfter: 1500 * time.Millisecond},
		"retry after spaces":           {retryAfter: " 7 ", wantRetryAfter: 7 * time.Second},
		"retry after date":             {retryAfter: date(9 * time.Second), wantRetryAfter: 9 * time.Second},
		"retry after past date":        {retryAfter: date(-time.Minute)},
		"retry after zero":             {retryAfter: "0"},
		"retry after negative":         {retryAfter: "-5"},
		"retry after nonsense":         {retryAfter: "soon"},
		"retry after a year":           {retryAfter: "31536000", wantRetryAfter: longestWait},
		"retry after a year, as date":  {retryAfter: date(365 * 24 * time.Hour), wantRetryAfter: longestWait},
		"retry after overflow":         {retryAfter: "99999999999999999999"},
		"retry after NaN":              {retryAfter: "NaN"},
		"retry after infinity":         {retryAfter: "Inf"},
		"body":                         {body: `{"error":"rate_limit_exceeded","retry_after":300}`, wantRetryAfter: 5 * time.Minute},
		"body, string":                 {body: `{"retry_after":"300"}`, wantRetryAfter: 5 * time.Minute},
		"body, nonsense":               {body: `{"retry_after":{}}`},
		"header before body":           {retryAfter: "7", body: `{"retry_after":300}`, wantRetryAfter: 7 * time.Second},
		"reset seconds":                {reset: unix(30 * time.Second), wantReset: 30 * time.Second},
		"reset milliseconds":           {reset: unix(30*time.Second) + "000", wantReset: 30 * time.Second},
		"reset delta":                  {reset: "30", wantReset: 30 * time.Second},
		"reset date":                   {reset: date(30 * time.Second), wantReset: 30 * time.Second},
		"reset past":                   {reset: unix(-30 * time.Second)},
		"reset delta zero":             {reset: "0"},
		"reset nonsense":               {reset: "later"},
		"reset far":                    {reset: unix(1000 * time.Hour), wantReset: longestWait},
		"reset far, milliseconds":      {reset: unix(1000*time.Hour) + "000", wantReset: longestWait},
		"retry after beside the reset": {retryAfter: "7", reset: "30", wantRetryAfter: 7 * time.Second, wantReset: 30 * time.Second},
	}
	for name, test := range tests {
		header := http.Header{"Date": {date(0)}}
		if test.retryAfter != "" {
			header.Set("Retry-After", test.retryAfter)
		}
		if test.reset != "" {
			header.Set("X-RateLimit-Reset", test.reset)
		}
		got := readRate(&reply{status: 429, header: header, body: []byte(test.body)}, localNow)
		wantReset := time.Time{}
		if test.wantReset > 0 {
			wantReset = localNow.Add(test.wantReset)
		}
		if got.retryAfter != test.wantRetryAfter || got.reset.Sub(wantReset).Abs() > time.Millisecond || got.known || !got.refused {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestReadRateCounts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		limit, remaining string
		want             rateReport
	}{
		"both":                {"100", "99", rateReport{known: true, limit: 100, remaining: 99}},
		"none left":           {"100", "0", rateReport{known: true, limit: 100}},
		"remaining only":      {"", "5", rateReport{known: true, remaining: 5}},
		"limit only":          {"100", "", rateReport{limit: 100}},
		"negative":            {"100", "-1", rateReport{limit: 100}},
		"nonsense":            {"many", "few", rateReport{}},
		"two windows at once": {"100, 1000", "99, 999", rateReport{}},
	} {
		header := http.Header{}
		header.Set("X-RateLimit-Limit", test.limit)
		header.Set("X-RateLimit-Remaining", test.remaining)
		if got := readRate(&reply{status: 200, header: header}, localNow); got != test.want {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// After a 429, Retry-After counts before the reset.
func TestComeBack(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		report rateReport
		want   time.Duration
	}{
		"both":       {rateReport{retryAfter: time.Second, reset: localNow.Add(time.Minute)}, time.Second},
		"reset only": {rateReport{reset: localNow.Add(time.Minute)}, time.Minute},
		"neither":    {rateReport{}, 0},
	} {
		got, said := test.report.comeBack(localNow)
		if got != test.want || said != (test.want > 0) {
			t.Errorf("%s: got %s, %v", name, got, said)
		}
	}
}

func TestServerNow(t *testing.T) {
	t.Parallel()
	if got := serverNow(http.Header{"Date": {remoteNow.Format(http.TimeFormat)}}, localNow); !got.Equal(remoteNow) {
		t.Errorf("got %s", got)
	}
	for _, date := range []string{"", "yesterday"} {
		if got := serverNow(http.Header{"Date": {date}}, localNow); !got.Equal(localNow) {
			t.Errorf("%q: got %s", date, got)
		}
	}
}
