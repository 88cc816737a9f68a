//go:build !linux

package lab

import "syscall"

// ownGroup gives a command a process group of its own. A lab is built on Linux
// alone; elsewhere the checks before it end the build.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
