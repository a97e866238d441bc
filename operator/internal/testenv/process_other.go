//go:build !linux

package testenv

import "syscall"

// processAttributes leaves the program in its starter's process group, so that Ctrl-C ends both: without a parent-death
// signal it would be left behind.
func processAttributes() *syscall.SysProcAttr {
	return nil
}
