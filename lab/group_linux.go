package lab

import "syscall"

// ownGroup gives a command a process group of its own, and makes the kernel kill it with
// this process.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
