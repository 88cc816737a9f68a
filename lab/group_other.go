//go:build !linux

package lab

import "syscall"

// ownGroup gives a command a process group of its own. A lab is built only on Linux;
// elsewhere the checks before the build fail.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
