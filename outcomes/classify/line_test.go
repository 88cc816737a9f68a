package classify

import (
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
)

func TestWhatALineIs(t *testing.T) {
	for line, want := range map[string]standing{
		`Error: no space left on device`:                                       said,
		`#12 ERROR: process "/bin/sh -c make" did not complete`:                said,
		`#12 4.1 make: *** [Makefile:3: all] Error 2`:                          said,
		`E0101 10:00:00.100000 9 server.go:1] "it failed"`:                     said,
		`time="2026-01-01T00:00:00Z" level=error msg="no such layer"`:          said,
		`[INFO] BUILD FAILURE`:                                                 said,
		`• [FAILED] [0.1 seconds]`:                                             said,
		`docker: Error response from daemon: x`:                                said,
		`test result: FAILED. 6 passed; 1 failed; finished in 0.00s`:           said,
		`+ grep -q 'no space left on device' build.log`:                        echoed,
		`2026-01-01T10:00:00.1234567Z + docker build .`:                        echoed,
		`$ docker save shop | ctr images import -`:                             echoed,
		`#12 [3/4] RUN test ! -e /oom-killed`:                                  echoed,
		`STEP 3/4: RUN echo connection refused`:                                echoed,
		`Step 3/4 : RUN echo connection refused`:                               echoed,
		`  12 | >>> RUN ./retry --on "i/o timeout"`:                            echoed,
		`if ! grep -q 'connection refused' log; then exit 1; fi`:               echoed,
		`echo "Error: the cluster did not come up"`:                            echoed,
		`grep -E 'toomanyrequests|i/o timeout' build.log`:                      echoed,
		"e2e\tRun make\t2026-01-01T10:00:00.1Z + kubectl wait":                 echoed,
		`	at shop.Store.resolveReference(Store.java:7) ~[shop.jar!/:1]`:        echoed,
		`    at async Object.<anonymous> [as run] (/src/shop.js:4:2)`:          echoed,
		`at least one pod failed (exit code 1)`:                                said,
		`	at shop.StoreTest.ends with connection refused(StoreTest.kt:7)`:      echoed,
		`shop-1       | 	at shop.Store.resolveReference(Store.java:7)`:         echoed,
		`db-1  | {"t":{"$date":"x"},"s":"I","msg":"request for unknown user"}`: routine,
		`ready.go:297: 2026-01-01 10:00:00 [debug] Deployment is not ready`:    routine,
		`I0101 10:00:00.100000 9 server.go:1] "connection refused"`:            routine,
		`time="2026-01-01T00:00:00Z" level=info msg="shim disconnected"`:       routine,
		`{"level":"info","msg":"retrying: connection refused"}`:                routine,
		"2026-01-01T00:00:00Z\tINFO\tsetup\tdeadline exceeded before":          routine,
		`=== RUN   TestNoSpaceLeft`:                                            routine,
		`    --- PASS: TestConnectionRefused (0.00s)`:                          routine,
		` ✓ rejects when the connection is refused`:                            routine,
		`STEP: creating a pod that is OOMKilled @ 01/01/26`:                    routine,
		`#9 18.3 I0101 10:00:00.1 1 event.go:1] type="Normal" reason="x"`:      routine,
		`I0101 10:00:00.1 1 event.go:1] type="Warning" reason="FailedMount"`:   said,
	} {
		if got := standingOf([]byte(line)); got != want {
			t.Errorf("%q: standing %d, want %d", line, got, want)
		}
	}
}

func TestEchoedSourceIsNoStatement(t *testing.T) {
	const group = "##[group]Run make e2e\nif grep -q 'no space left on device' log; then\nkubectl wait --for=x || echo 'Error: connection refused to the Docker daemon'\nfi\nenv:\n  RETRY_ON: toomanyrequests\n##[endgroup]\n"
	const copied = "Run make e2e\n  ./hack/retry --on 'toomanyrequests' make\n  shell: /usr/bin/bash -e {0}\n  env:\n    RETRY_ON: no space left on device\n"
	for _, log := range []string{group, copied, copied + "Creating cluster \"x\" ...\nSet kubectl context to \"kind-x\"\n"} {
		if got := classify(t, Options{}, log); got.Outcome != trial.OK {
			t.Errorf("%s by %+v of\n%s", got.Outcome, got.Evidence, log)
		}
	}
	got := classify(t, Options{}, group+"write /var/lib/docker/tmp/x: no space left on device\n")
	if got.Outcome != trial.Storage || got.Evidence[0].Line != 8 {
		t.Errorf("%s by %+v", got.Outcome, got.Evidence)
	}
	quoted := `ERROR: failed to solve: process "/bin/sh -c grep 'no space left on device' log" did not complete successfully: exit code: 1`
	if got := classify(t, Options{}, quoted); got.Outcome != trial.BuildFailed {
		t.Errorf("%s by %+v", got.Outcome, got.Evidence)
	}
}

// The journal of a node explains; it does not decide.
func TestEvidenceNeverOutweighsTheError(t *testing.T) {
	failure := `ERROR: failed to create cluster: failed to init node with kubeadm: exit status 1` + "\n"
	journal := `write /var/log/x: no space left on device` + "\n"
	marked := Options{Phase: trial.PhaseCluster, Evidence: func(line int) bool { return line == 2 }}
	if got := classify(t, marked, failure+journal); got.Outcome != trial.ClusterCreateFailed || got.Evidence[0].Line != 1 {
		t.Errorf("%s by %+v", got.Outcome, got.Evidence)
	}
	byItsForm := "Jan 01 10:00:00 demo-control-plane kubelet[211]: " + journal
	if got := classify(t, Options{}, failure+byItsForm); got.Outcome != trial.ClusterCreateFailed {
		t.Errorf("%s by %+v", got.Outcome, got.Evidence)
	}
	if got := classify(t, Options{}, strings.Repeat(byItsForm, shortLines)); got.Outcome != trial.OK {
		t.Errorf("a journal alone is %s by %+v", got.Outcome, got.Evidence)
	}
}

func TestTheLastWordOfSuccessSettles(t *testing.T) {
	const trouble = "[FAILED] Timed out after 3.1s.\nExpected\n    <int>: 1\nE0101 10:00:00.1 9 x.go:1] dial tcp 10.96.0.1:443: connect: connection refused\n"
	for _, word := range []string{"SUCCESS! -- 2 Passed | 0 Failed | 1 Flaked | 0 Pending | 0 Skipped", "ok  \tshop/e2e\t12.1s", "PASS",
		"==== 3 passed, 1 rerun in 2.31s ====", "Set kubectl context to \"kind-x\"", "deployment \"shop\" successfully rolled out", "Job succeeded",
		"BUILD SUCCESSFUL in 12s", "DONE 12 tests in 3.2s", "#9 naming to docker.io/library/shop:1 done"} {
		if got := classify(t, Options{}, trouble+word+"\n"); got.Outcome != trial.OK {
			t.Errorf("%q: %s by %+v", word, got.Outcome, got.Evidence)
		}
		later := trouble + word + "\nERROR: failed to solve: process \"/bin/sh -c make\" did not complete successfully: exit code: 2\n"
		if got := classify(t, Options{}, later); got.Outcome == trial.OK {
			t.Errorf("%q: a later failure is ok", word)
		}
		if got := classify(t, Options{ExitCode: exit(1)}, trouble+word+"\n"); got.Outcome == trial.OK {
			t.Errorf("%q: exit code 1 is ok", word)
		}
	}
	if got := classify(t, Options{}, "--- FAIL: TestShop (1s)\nFAIL\nFAIL\tshop/a\t1s\nok  \tshop/b\t1s\n"); got.Outcome != trial.TestFailed {
		t.Errorf("one package of two failed: %s by %+v", got.Outcome, got.Evidence)
	}
}
