//go:build faultpoints

package setup

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// This file exists in test builds alone. It makes the process kill itself before or after an effect, to show that
// whatever comes of that is put right by the next process.
const (
	// faultVariable holds "before:EFFECT" or "after:EFFECT", with "#2" behind it for the second time. Dry runs do not
	// count. After means that the server has acknowledged the effect.
	faultVariable = "BETTERDATA_FAULT"
	// faultOnceVariable names a file that is made just before the kill. Where it exists there is no fault, so that the
	// process that is started next lives.
	faultOnceVariable = "BETTERDATA_FAULT_ONCE_FILE"
)

// faultEffects are what can be interrupted.
var faultEffects = []string{
	"AddFinalizer", "RemoveFinalizer", "CreateLedger", "DeleteLedger", "ApplyTarget", "DetachTarget", "DeleteTarget", "Restart",
	"CreateKey", "RotateKey", "UpdateKey", "RevokeKey", "Verify", "ReserveMint", "WriteStatus",
}

// withFaults puts the fault that the environment asks for around the effects.
func withFaults(e effects, stderr io.Writer) (effects, error) {
	point := os.Getenv(faultVariable)
	if point == "" {
		return e, nil
	}
	f, err := newFault(point, stderr)
	if err != nil {
		return e, err
	}
	return effects{
		cluster:     faultyCluster{e.cluster, f},
		connections: faultyConnections{e.connections, f},
		client:      faultyClient{e.client, f},
	}, nil
}

type fault struct {
	point    string // before:EFFECT or after:EFFECT
	time     int32  // the first, the second, ...
	seen     atomic.Int32
	onceFile string
	stderr   io.Writer
}

func newFault(text string, stderr io.Writer) (*fault, error) {
	point, count, counted := strings.Cut(text, "#")
	time := 1
	if counted {
		var err error
		if time, err = strconv.Atoi(count); err != nil || time < 1 {
			return nil, fmt.Errorf("%s=%s: %q is not a count", faultVariable, text, count)
		}
	}
	when, effect, _ := strings.Cut(point, ":")
	if when != "before" && when != "after" || !slices.Contains(faultEffects, effect) {
		return nil, fmt.Errorf("%s=%s: must be before:EFFECT or after:EFFECT, with #N behind it for the Nth time, where EFFECT is one of %s",
			faultVariable, text, strings.Join(faultEffects, ", "))
	}
	return &fault{point: point, time: int32(time), onceFile: os.Getenv(faultOnceVariable), stderr: stderr}, nil
}

// around carries out an effect between its two points.
func (f *fault) around(effect string, do func() error) error {
	f.pass("before:" + effect)
	err := do()
	if err == nil {
		f.pass("after:" + effect)
	}
	return err
}

// pass kills the process if this is the point, and its time has come. It does not return then.
func (f *fault) pass(point string) {
	if point != f.point || f.seen.Add(1) != f.time {
		return
	}
	if f.onceFile != "" {
		file, err := os.OpenFile(f.onceFile, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return // it has happened before
		}
		_ = file.Close()
	}
	fmt.Fprintf(f.stderr, "fault: %s#%d\n", f.point, f.time)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

type faultyCluster struct {
	apikey.Cluster

	*fault
}

func (c faultyCluster) AddFinalizer(ctx context.Context, r *apikey.Resource) error {
	return c.around("AddFinalizer", func() error { return c.Cluster.AddFinalizer(ctx, r) })
}

func (c faultyCluster) RemoveFinalizer(ctx context.Context, r *apikey.Resource) error {
	return c.around("RemoveFinalizer", func() error { return c.Cluster.RemoveFinalizer(ctx, r) })
}

func (c faultyCluster) CreateLedger(ctx context.Context, r *apikey.Resource, l apikey.LedgerRecord, dryRun bool) error {
	create := func() error { return c.Cluster.CreateLedger(ctx, r, l, dryRun) }
	if dryRun {
		return create()
	}
	return c.around("CreateLedger", create)
}

func (c faultyCluster) DeleteLedger(ctx context.Context, l apikey.LedgerRecord) error {
	return c.around("DeleteLedger", func() error { return c.Cluster.DeleteLedger(ctx, l) })
}

func (c faultyCluster) ApplyTarget(ctx context.Context, r *apikey.Resource, w apikey.TargetWrite, dryRun bool) error {
	apply := func() error { return c.Cluster.ApplyTarget(ctx, r, w, dryRun) }
	if dryRun {
		return apply()
	}
	return c.around("ApplyTarget", apply)
}

func (c faultyCluster) DetachTarget(ctx context.Context, r *apikey.Resource, t apikey.TargetRecord) error {
	return c.around("DetachTarget", func() error { return c.Cluster.DetachTarget(ctx, r, t) })
}

func (c faultyCluster) DeleteTarget(ctx context.Context, r *apikey.Resource, name, uid, version string) error {
	return c.around("DeleteTarget", func() error { return c.Cluster.DeleteTarget(ctx, r, name, uid, version) })
}

func (c faultyCluster) Restart(ctx context.Context, r *apikey.Resource, sequence int) error {
	return c.around("Restart", func() error { return c.Cluster.Restart(ctx, r, sequence) })
}

type faultyConnections struct {
	apikey.Connections

	*fault
}

func (c faultyConnections) Open(ctx context.Context, r *apikey.Resource) (apikey.Connection, error) {
	conn, err := c.Connections.Open(ctx, r)
	if err != nil {
		return nil, err
	}
	return faultyConnection{conn, c.fault}, nil
}

type faultyConnection struct {
	apikey.Connection

	*fault
}

func (c faultyConnection) CreateKey(ctx context.Context, req apiclient.CreateKeyRequest) (issued *apiclient.IssuedKey, err error) {
	err = c.around("CreateKey", func() error { issued, err = c.Connection.CreateKey(ctx, req); return err })
	return issued, err
}

func (c faultyConnection) RotateKey(ctx context.Context, id string) (issued *apiclient.IssuedKey, err error) {
	err = c.around("RotateKey", func() error { issued, err = c.Connection.RotateKey(ctx, id); return err })
	return issued, err
}

func (c faultyConnection) UpdateKey(ctx context.Context, id string, req apiclient.UpdateKeyRequest) (result *apiclient.UpdateResult, err error) {
	err = c.around("UpdateKey", func() error { result, err = c.Connection.UpdateKey(ctx, id, req); return err })
	return result, err
}

func (c faultyConnection) RevokeKey(ctx context.Context, id string) error {
	return c.around("RevokeKey", func() error { return c.Connection.RevokeKey(ctx, id) })
}

func (c faultyConnection) Verify(ctx context.Context, plaintext apiclient.Secret) error {
	return c.around("Verify", func() error { return c.Connection.Verify(ctx, plaintext) })
}

func (c faultyConnection) ReserveMint(ctx context.Context, uid string, first bool) error {
	return c.around("ReserveMint", func() error { return c.Connection.ReserveMint(ctx, uid, first) })
}

// faultyClient interrupts writes of status.
type faultyClient struct {
	client.Client

	*fault
}

func (c faultyClient) Status() client.SubResourceWriter {
	return faultyStatus{c.Client.Status(), c.fault}
}

type faultyStatus struct {
	client.SubResourceWriter

	*fault
}

func (s faultyStatus) Patch(ctx context.Context, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	return s.around("WriteStatus", func() error { return s.SubResourceWriter.Patch(ctx, obj, patch, opts...) })
}
