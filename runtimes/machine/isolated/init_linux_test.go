package isolated

import (
	"syscall"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
)

func TestExitOf(t *testing.T) {
	for status, want := range map[syscall.WaitStatus]trial.Exit{
		syscall.WaitStatus(syscall.SIGKILL): {Cause: trial.CauseSIGKILL, Text: "signal: killed"},
		syscall.WaitStatus(syscall.SIGSEGV): {Cause: trial.CauseSIGSEGV, Text: "signal: segmentation fault"},
		syscall.WaitStatus(syscall.SIGUSR1): {Cause: trial.CauseSignal, Text: "signal: user defined signal 1"},
		2 << 8:                              {Cause: "exit-status-2", Text: "exit status 2"},
	} {
		if got := *exitOf(status); got != want {
			t.Errorf("%#x is %+v, want %+v", uint32(status), got, want)
		}
	}
}
