package testenv

import "syscall"

// processAttributes makes the kernel end the program with whoever started it, however that ended, and keeps Ctrl-C from
// it: the control plane has to outlive the operator that a demo stops first.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
