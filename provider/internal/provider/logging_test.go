package provider

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// TestLogger: the client's records reach Terraform's log with their level, attributes and groups.
func TestLogger(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		log  func(ctx context.Context, l *slog.Logger)
		want map[string]any
	}{
		"debug": {
			func(ctx context.Context, l *slog.Logger) { l.DebugContext(ctx, "sent", "status", 200) },
			map[string]any{"@level": "debug", "@message": "sent", "status": "200"},
		},
		"below debug": {
			func(ctx context.Context, l *slog.Logger) { l.Log(ctx, slog.LevelDebug-4, "sent") },
			map[string]any{"@level": "debug", "@message": "sent"},
		},
		"info": {
			func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "waiting") },
			map[string]any{"@level": "info", "@message": "waiting"},
		},
		"warn": {
			func(ctx context.Context, l *slog.Logger) { l.WarnContext(ctx, "slow") },
			map[string]any{"@level": "warn", "@message": "slow"},
		},
		"error": {
			func(ctx context.Context, l *slog.Logger) {
				l.ErrorContext(ctx, "failed", "error", errors.New("broken"))
			},
			map[string]any{"@level": "error", "@message": "failed", "error": "broken"},
		},
		"attributes and groups": {
			func(ctx context.Context, l *slog.Logger) {
				l.With("op", "list").WithGroup("http").With("method", "GET").InfoContext(ctx, "x", "status", 200)
			},
			map[string]any{"@level": "info", "@message": "x", "op": "list", "http.method": "GET", "http.status": "200"},
		},
		"a secret stays one": {
			func(ctx context.Context, l *slog.Logger) {
				l.InfoContext(ctx, "x", "token", apiclient.NewSecret("hunter22hunter22"))
			},
			map[string]any{"@level": "info", "@message": "x", "token": apiclient.NewSecret("hunter22hunter22").String()},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			ctx := tflogtest.RootLogger(t.Context(), &out)
			tc.log(ctx, newLogger())
			if bytes.Contains(out.Bytes(), []byte("hunter22")) {
				t.Error("the log holds a secret")
			}
			entries, err := tflogtest.MultilineJSONDecode(&out)
			if err != nil || len(entries) != 1 {
				t.Fatalf("%d entries (error %v), want 1", len(entries), err)
			}
			delete(entries[0], "@module")
			if diff := cmp.Diff(tc.want, entries[0]); diff != "" {
				t.Errorf("entry (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLoggerSharesNothing: two loggers made from one do not overwrite each other's attributes.
func TestLoggerSharesNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ctx := tflogtest.RootLogger(t.Context(), &out)
	parent := newLogger().With("a", "1", "b", "2", "c", "3")
	first, second := parent.With("d", "first"), parent.With("d", "second")
	first.InfoContext(ctx, "x")
	second.InfoContext(ctx, "x")
	entries, err := tflogtest.MultilineJSONDecode(&out)
	if err != nil || len(entries) != 2 || entries[0]["d"] != "first" || entries[1]["d"] != "second" {
		t.Errorf("entries %v (error %v)", entries, err)
	}
}
