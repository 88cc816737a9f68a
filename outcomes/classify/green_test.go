package classify

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
)

// greenLines are what a healthy pipeline prints, with words that frighten.
var greenLines = []string{
	"#%d 12.3 go: downloading github.com/pkg/errors v0.9.1",
	"#%d 12.4 added 412 packages: error-ex, killed-process, fail-fast, panic-room, oom-watch",
	"#%d 13.0 npm warn deprecated request@2.88.2: connection refused is no longer retried",
	"#%d 14.1 Compiling thiserror v1.0.40",
	"#%d 14.9 Setting up libgpg-error0:amd64 (1.47) ...",
	"#%d 15.0 ok  \tshop/internal/errors\t0.012s",
	"#%d 15.1 Unpacking libkilled-perl (0.3-1) over crash-handler ...",
	"#%d 15.2 gcc -c error.c -o error.o && gcc -c timeout.c -o timeout.o",
	"#%d 16.0 0 errors, 0 failures, 0 killed, 3 warnings",
	"#%d 16.4 test_connection_refused PASSED",
	"#%d 16.5 --- PASS: TestServerProbablyQuit (0.00s)",
	"#%d 17.0 copying src/errors/no_space_left.py -> build/lib",
	"#%d 17.5 WARNING: Running pip as the 'root' user can result in broken permissions",
	"#%d 18.0 I0101 10:00:00.1 1 reflector.go:1] Caches populated for *v1.Pod (timeout 5m)",
	"#%d 18.1 sha256:0f extracting, retrying is not needed, limit exceeded never",
	"#%d 18.2 \u2713 rejects when the rate limit is exceeded and the connection refused (5 ms)",
	"#%d 18.3 I0101 10:00:00.1 1 leaderelection.go:1] successfully acquired lease kube-system/shop",
	"#%d 18.4 time=\"now\" level=info msg=\"error budget is unexpected, timeout=5s, no error: carry on\"",
	"#%d 18.5 Get:5 http://mirror.example/debian bookworm/main amd64 libgpg-error0 amd64 1.46-1",
	"#%d 18.6 warning: unused variable: `timed_out`, killed by dead code elimination",
	"#%d 18.7 Downloading killport-1.1.0.tar.gz (oom_score, no-such-host, exec-format) exit code: 0",
	"#%d 18.8 PASS tests/SyntaxError.test.js tests/manifest-unknown.test.js tests/failed.test.js",
	"#%d 18.9 Successfully Killed stale helper; cleanup of /var/lib/shop/overlay/error done",
	"#%d DONE 0.4s",
}

func greenLog(lines int) string {
	var b strings.Builder
	b.WriteString("#1 [internal] load build definition from Dockerfile\n")
	for i := range lines - 4 {
		fmt.Fprintf(&b, greenLines[i%len(greenLines)]+"\n", i%40)
	}
	b.WriteString("#41 exporting layers 0.8s done\n#41 naming to docker.io/library/shop:dev done\n#41 DONE 0.9s\n")
	return b.String()
}

func TestGreenLogsAreOK(t *testing.T) {
	for _, lines := range []int{10, 100, 100_000} {
		log := greenLog(lines)
		for _, phase := range append(trial.Phases(), "") {
			got := classify(t, Options{Phase: phase}, log)
			if got.Outcome != trial.OK {
				t.Errorf("%d lines in phase %q: %s by %+v", lines, phase, got.Outcome, got.Evidence)
			}
		}
	}
}

// A few lines of a healthy log are no failure either, wherever they are cut.
func TestGreenExcerptsAreOK(t *testing.T) {
	lines := strings.Split(greenLog(2*len(greenLines)), "\n")
	for at := range len(lines) - 8 {
		log := strings.Join(lines[at:at+8], "\n") + "\n#41 DONE 0.9s\n"
		for _, phase := range append(trial.Phases(), "") {
			if got := classify(t, Options{Phase: phase}, log); got.Outcome != trial.OK {
				t.Errorf("lines from %d in phase %q: %s by %+v", at, phase, got.Outcome, got.Evidence)
			}
		}
	}
}
