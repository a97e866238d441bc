package sandbox

import (
	"net/http"
	"time"
)

const badGatewayPage = `<html>
<head><title>502 Bad Gateway</title></head>
<body>
<center><h1>502 Bad Gateway</h1></center>
<hr><center>nginx</center>
</body>
</html>
`

// frontFault answers in place of the API, as a proxy or an overloaded front end does: nobody is authenticated and no
// quota is used.
func (s *Server) frontFault(c *call) (a answer, hit bool) {
	switch f := c.fault; f.Kind {
	case FaultCutBefore:
		return answer{}, true
	case FaultTooManyRequests:
		a = errRateLimited.answer(s.dialect)
		a.header = s.dialect.retryAfter(max(f.Latency, time.Second), c.now)
		return a, true
	case FaultServerError:
		return errInternal.answer(s.dialect), true
	case FaultBadGateway:
		return answer{status: http.StatusBadGateway, html: badGatewayPage}, true
	case FaultRedirect:
		return redirect(f), true
	default:
		return answer{}, false
	}
}

func redirect(f Fault) answer {
	if f.Status == 0 {
		f.Status = defaultRedirectStatus
	}
	if f.Location == "" {
		f.Location = defaultRedirectLocation
	}
	return answer{status: f.Status, header: http.Header{"Location": {f.Location}}}
}
