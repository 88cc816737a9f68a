package classify

import (
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
)

// A build that fails because of what the user builds is never a crash, a hang
// or a fault of the storage, however its last words sound.
func TestUsersOwnFailuresAreNoCrash(t *testing.T) {
	const failed = "\nERROR: failed to solve: process \"/bin/sh -c make\" did not complete successfully: exit code: 2\n"
	const failedPodman = "\nError: building at STEP \"RUN make\": while running runtime: exit status 2\n"
	for name, words := range map[string]string{
		"a segmentation fault": "#9 1.2 Segmentation fault (core dumped)",
		"a panic":              "#9 1.2 panic: runtime error: invalid memory address\n#9 1.2 [signal SIGSEGV: segmentation violation]\n#9 1.2 goroutine 1 [running]:\n#9 1.2 main.main()\n#9 1.2 /src/main.go:3 +0x1",
		"a panicking server":   "#9 1.2 http: panic serving 10.0.0.1:1: crash",
		"a deadlock":           "#9 1.2 fatal error: all goroutines are asleep - deadlock!",
		"a failed assertion":   "#9 1.2 shop: cart.c:3: main: Assertion `total > 0` failed.",
		"a test of an EOF":     "#9 1.2 Error: unexpected EOF",
		"a client of docker":   "#9 1.2 panic: oops\n#9 1.2 goroutine 7 [running]:\n#9 1.2 github.com/docker/docker/client.(*Client).Ping(0xc0001)",
		"a lost git server":    "#9 1.2 Connection closed by 192.0.2.7 port 22\n#9 1.2 fatal: Could not read from remote repository.",
		"a timeout of its own": "#9 1.2 assert failed: timeout exceeded, server crashed, killed",
		"a missing file":       "#9 1.2 cat: /etc/shop: No such file or directory",
		"a failing test":       "#9 1.2 --- FAIL: TestCrash (0.1s)\n#9 1.2 FAIL",
		"a script's status":    "#9 1.2 exit 125",
	} {
		for _, opts := range []Options{
			{},
			{Phase: trial.PhaseBuild, Runtime: trial.Docker, ExitCode: exit(1)},
			{Phase: trial.PhaseBuild, Runtime: trial.Podman, ExitCode: exit(125)},
		} {
			for _, end := range []string{failed, failedPodman} {
				if got := classify(t, opts, words+end); got.Outcome != trial.BuildFailed {
					t.Errorf("%s: %s by %+v", name, got.Outcome, got.Evidence)
				}
			}
		}
	}
}
