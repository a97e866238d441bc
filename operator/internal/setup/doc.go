// Package setup is the operator as a process: its command line, the manager with caches, health, metrics and leader
// election, the permissions that all of it needs, and the cleanup after it. It wires the other packages and holds no logic
// about keys.
//
// Reading order: program.go and flags.go, then manager.go and wiring.go for what is made of what; rbac.go for the
// permissions; roles.go and package roleguard for what namespaced mode needs beside; cleanup.go. faults.go is in test
// builds alone.
package setup
