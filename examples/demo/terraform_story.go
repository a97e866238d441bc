package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// terraformDemo is the stage of the first half: a tenant, and a Terraform that manages a key in it.
type terraformDemo struct {
	story
	*tenant
	tf *terraform
}

// tellTerraform tells the first half.
func tellTerraform(ctx context.Context, out io.Writer, tools tools, faults string) error {
	dir, err := os.MkdirTemp("", "betterdata-demo")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	d := &terraformDemo{story: story{out: out, began: time.Now()}}
	if d.tenant, err = openTenant(ctx, dir, faults); err != nil {
		return err
	}
	defer d.close()
	if d.tf, err = newTerraform(dir, d.url, d.tokenFile, tools); err != nil {
		return err
	}
	return d.tell(ctx)
}

// tell is the story, chapter by chapter.
func (d *terraformDemo) tell(ctx context.Context) error {
	_, _ = fmt.Fprintf(d.out, "One API key from birth to death: %s with the Better Data provider, on a sandbox of the API at %s\n", d.tf.name(), d.url)
	first, err := d.create(ctx)
	if err != nil {
		return err
	}
	if err := d.widen(ctx, first); err != nil {
		return err
	}
	second, err := d.rotate(ctx, first)
	if err != nil {
		return err
	}
	if err := d.retire(ctx, first, second); err != nil {
		return err
	}
	if err := d.destroy(ctx, second); err != nil {
		return err
	}
	return d.sumUp()
}
