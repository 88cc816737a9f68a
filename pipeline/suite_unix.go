//go:build unix

package pipeline

import (
	"os/exec"
	"syscall"
)

// endWhole makes the end of the command's context end all the processes that
// it started: go test's own child would otherwise live on.
func endWhole(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
