package provider

import (
	"context"
	"log/slog"

	"github.com/hashicorp/terraform-plugin-log/tflog"
)

// logHandler passes the client's log records on to Terraform's log, so that TF_LOG governs them. The client puts
// no secret into a record; nothing is added here.
type logHandler struct {
	attrs []slog.Attr
	group string
}

func newLogger() *slog.Logger { return slog.New(&logHandler{}) }

// Enabled implements slog.Handler; tflog filters by level itself.
func (h *logHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (h *logHandler) Handle(ctx context.Context, record slog.Record) error {
	fields := make(map[string]any, len(h.attrs)+record.NumAttrs())
	add := func(a slog.Attr) bool {
		fields[h.group+a.Key] = a.Value.Resolve().String()
		return true
	}
	for _, a := range h.attrs {
		fields[a.Key] = a.Value.Resolve().String()
	}
	record.Attrs(add)
	switch {
	case record.Level >= slog.LevelError:
		tflog.Error(ctx, record.Message, fields)
	case record.Level >= slog.LevelWarn:
		tflog.Warn(ctx, record.Message, fields)
	case record.Level >= slog.LevelInfo:
		tflog.Info(ctx, record.Message, fields)
	default:
		tflog.Debug(ctx, record.Message, fields)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := &logHandler{attrs: append([]slog.Attr{}, h.attrs...), group: h.group}
	for _, a := range attrs {
		next.attrs = append(next.attrs, slog.Attr{Key: h.group + a.Key, Value: a.Value})
	}
	return next
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{attrs: h.attrs, group: h.group + name + "."}
}
