package apiclient

import (
	"context"
	"log/slog"
	"time"
)

// RequestInfo tells of one attempt of a request on the wire.
type RequestInfo struct {
	Op     Operation
	Status int   // the HTTP status; 0: there was no answer
	Err    error // why there was no answer, or no whole one; a status alone is no error here
}

// logAttempt records one attempt: names, numbers and the server's request id. No URL (ids and query), no header, no
// body; the error's text has been made safe by exchange.
func (c *Client) logAttempt(ctx context.Context, k *call, begun time.Time, got *reply, err error) {
	attrs := []slog.Attr{
		slog.String("op", string(k.op)),
		slog.String("method", k.method),
		slog.String("path", k.template),
		slog.Int("attempt", k.attempts),
		slog.Duration("duration", c.config.clock.Now().Sub(begun)),
	}
	if got != nil {
		attrs = append(attrs, slog.Int("status", got.status))
		if id := got.requestID(); id != "" {
			attrs = append(attrs, slog.String("request_id", id))
		}
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", redact(oneLine(err.Error()))))
	}
	c.config.log.LogAttrs(ctx, slog.LevelDebug, "API request", attrs...)
}

// tellAttempt passes one attempt on to the caller's function.
func (c *Client) tellAttempt(k *call, got *reply, err error) {
	info := RequestInfo{Op: k.op, Err: err}
	if got != nil {
		info.Status = got.status
	}
	c.config.requestNotify(info)
}

// tellWait records a wait for quota and passes it on to the caller's function.
func (c *Client) tellWait(ctx context.Context, w Wait) {
	c.config.log.LogAttrs(ctx, slog.LevelInfo, "Waiting for quota",
		slog.String("op", string(w.Op)), slog.String("reason", w.Reason), slog.Time("until", w.Until))
	c.config.notify(ctx, w)
}
