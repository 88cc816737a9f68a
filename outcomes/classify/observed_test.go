package classify

import (
	"fmt"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
)

// What a test saw of the program under test is not a message of a registry, an engine or
// an API server. Their own messages count, in a test's output too.
func TestWhatATestSaw(t *testing.T) {
	known := Options{Phase: trial.PhaseTest, ExitCode: exit(1)}
	const end = "\nFAIL\nFAIL\tshop/e2e\t0.03s\nFAIL\n"
	saw := map[string]string{
		"a position":         "    api_test.go:31: want 200, got 429 Too Many Requests\n--- FAIL: TestRateLimit (0.02s)\nFAIL\n",
		"a whole test":       "=== RUN   TestLogin\n    login_test.go:9: got 401 unauthorized: authentication required\n--- FAIL: TestLogin (0.02s)" + end,
		"printed by a test":  "=== RUN   TestLimit\nanswer: 429 Too Many Requests\n--- FAIL: TestLimit (0.02s)" + end,
		"below the result":   "--- FAIL: TestLimit (0.02s)\n    limit_test.go:4: \n        \tError:      \tNot equal: \n        \t            \texpected: 200\n        \t            \tactual  : 403 Forbidden: denied: no token" + end,
		"of images":          "=== RUN   TestLogo\n    logo_test.go:9: GET /images/node/cluster.png: want 200, got 429 Too Many Requests\n--- FAIL: TestLogo (0.02s)" + end,
		"with a clock":       "2026-01-01T10:00:00.1234567Z     api_test.go:31: got 429 Too Many Requests, want 200\n2026-01-01T10:00:00.2234567Z --- FAIL: TestLimit (0.02s)\n2026-01-01T10:00:00.3234567Z FAIL\n",
		"in a job's log":     "e2e\tRun it\t2026-01-01T10:00:00.1Z --- FAIL: TestLimit (0.02s)\ne2e\tRun it\t2026-01-01T10:00:00.2Z     want 200, got 403 Forbidden: denied: no token\ne2e\tRun it\t2026-01-01T10:00:00.3Z FAIL\n",
		"under compose":      "tests-1  | --- FAIL: TestLimit (0.02s)\ntests-1  |     the till: 403 Forbidden: denied: no token\ntests-1  | FAIL\n",
		"the program's log":  "--- FAIL: TestLimit (0.02s)\n    limit_test.go:4: too few\n2026/01/01 10:00:00 ERROR Request failed error=\"code=401, message=Authentication required\"\nFAIL" + "\nFAIL\tshop/e2e\t0.03s\nFAIL\n",
		"ginkgo":             "• [FAILED] [0.1 seconds]\nShop [It] limits\n  [FAILED] Expected\n      <string>: 429 Too Many Requests\n  to equal\n      <string>: 200 OK\n  In [It] at: shop_test.go:7\n------------------------------\nFAIL! -- 3 Passed | 1 Failed\n",
		"ginkgo, one line":   "  Expected 429 Too Many Requests to equal 200\nFAIL! -- 3 Passed | 1 Failed\n",
		"pytest":             "=========== FAILURES ===========\n>       assert r.status == 200\nE       assert '429 Too Many Requests' == 200\nE        +  where 429 = <Response [429 Too Many Requests]>\n====== short test summary info ======\nFAILED tests/test_shop.py::test_limit - assert '429 Too Many Requests' == 200\n====== 1 failed in 2.10s ======\n",
		"pytest, no service": "=========== ERRORS ===========\nE   requests.exceptions.ConnectionError: HTTPSConnectionPool(host='127.0.0.1', port=18443): Max retries exceeded with url: /healthz (Caused by NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused'))\n====== short test summary info ======\nERROR tests/test_shop.py::test_list\n====== 1 error in 4.10s ======\n",
		"a traceback alone":  "requests.exceptions.ConnectionError: HTTPConnectionPool(host='127.0.0.1', port=8080): Max retries exceeded with url: /healthz (Caused by NewConnectionError('[Errno 111] Connection refused'))\n1 failed\n",
		"jest":               "  ● limits\n    expect(received).toBe(expected)\n    Expected: 200\n    Received: \"429 Too Many Requests\"\nTests:       1 failed, 4 passed, 5 total\n",
		"bats":               "1..2\nok 1 opens\nnot ok 2 sells\n# (in test file till.bats, line 4)\n#   `[ \"$status\" -eq 0 ]' failed\n# curl: (22) The requested URL returned error: 503\n# error: timed out waiting for the condition on pods/till\n",
		"bats, for people":   " ✓ opens\n ✗ sells\n   (in test file till.bats, line 4)\n     `[ \"$status\" -eq 0 ]' failed\n   curl: (22) The requested URL returned error: 503\n\n2 tests, 1 failure\n",
		"no compiler":        "=== RUN   TestTill\n    till_test.go:31: unexpected output: \"429\"\n--- FAIL: TestTill (0.02s)" + end,
		"a process it kills": "=== RUN   TestStop\n    till_test.go:9: the till ended: signal: killed\n--- FAIL: TestStop (0.02s)" + end,
		"JUnit":              "org.opentest4j.AssertionFailedError: expected: <200> but was: <429 Too Many Requests>\nTests run: 3, Failures: 1, Errors: 0, Skipped: 0\n",
	}
	for name, log := range saw {
		for _, opts := range []Options{known, {Phase: trial.PhaseTest}} {
			if got := classify(t, opts, log); got.Outcome != trial.TestFailed {
				t.Errorf("%s, %+v: %s (%s) by %+v", name, opts, got.Outcome, got.Cause, got.Evidence)
			}
		}
	}
	for log, want := range map[string]trial.Outcome{
		"=== RUN   TestShop\n    shop_test.go:9: create container: Error response from daemon: toomanyrequests: You have reached your limit\n--- FAIL: TestShop (1s)" + end:                  trial.PullFailed,
		"=== RUN   TestShop\ntoomanyrequests: too many requests\n--- FAIL: TestShop (1s)" + end:                                                                                              trial.PullFailed,
		"    api_test.go:31: want 200, got 429 Too Many Requests\nError: initializing source docker://shop/db:1: reading manifest 1: toomanyrequests: 429 Too Many Requests\n":               trial.PullFailed,
		"=== RUN   TestShop\n    shop_test.go:9: The connection to the server 127.0.0.1:36443 was refused - did you specify the right host or port?\n--- FAIL: TestShop (1s)" + end:          trial.ClusterHang,
		"=== RUN   TestShop\n    shop_test.go:9: Get \"https://127.0.0.1:36443/api/v1/nodes\": dial tcp 127.0.0.1:36443: connect: connection refused\n--- FAIL: TestShop (1s)" + end:         trial.ClusterHang,
		"=== RUN   TestShop\n    shop_test.go:9: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n--- FAIL: TestShop (1s)" + end:           trial.EngineCrash,
		"--- FAIL: TestShop (1s)\n    shop_test.go:9: failed\nfailed to pull image \"shop/db:1\": failed to authorize: unexpected status: 401 Unauthorized\n":                                trial.PullFailed,
		"--- FAIL: TestShop (1s)\n    shop_test.go:9: failed\nFAIL\nfailed to pull image \"shop/db:1\": failed to authorize: unexpected status: 401 Unauthorized\n":                          trial.PullFailed,
		"Running Suite: Shop\nE0101 10:00:00.1 9 pod_workers.go:1] \"Error syncing pod\" err=\"failed to pull image: 429 Too Many Requests: toomanyrequests\"\nFAIL! -- 0 Passed | 1 Failed": trial.PullFailed,
	} {
		if got := classify(t, known, log); got.Outcome != want {
			t.Errorf("%s (%s) by %+v, want %s, of\n%s", got.Outcome, got.Cause, got.Evidence, want, log)
		}
	}
}

// A test's output ends where another program speaks.
func TestWhereATestsOutputEnds(t *testing.T) {
	for log, want := range map[string]trial.Outcome{
		"=== RUN   TestShop\n--- PASS: TestShop (1s)\nPASS\ngot 429 Too Many Requests\n":  trial.PullFailed,
		"--- FAIL: TestShop (1s)\n    shop_test.go:9: no\nstatus 429 Too Many Requests\n": trial.PullFailed,
		"=== RUN   TestShop\nstatus 429 Too Many Requests\n--- FAIL: TestShop (1s)\n":     trial.TestFailed,
	} {
		if got := classify(t, Options{Phase: trial.PhaseTest, ExitCode: exit(1)}, log); got.Outcome != want {
			t.Errorf("%s by %+v, want %s, of\n%s", got.Outcome, got.Evidence, want, log)
		}
	}
}

// What programs in the cluster log of its API server is no more than a hint once a suite
// sums up its failures. What the suite or its client states still decides.
func TestWhatOperatorsLog(t *testing.T) {
	const sum = "\nSummarizing 1 Failure:\n  [FAIL] Shop [It] sells\nFAIL! -- 3 Passed | 1 Failed\n"
	for said, want := range map[string]trial.Outcome{
		`{"level":"error","ts":"2026-01-01T10:00:00Z","msg":"ended","error":"leader election lost"}`:                                                          trial.TestFailed,
		"2026-01-01T10:00:00Z\tERROR\tcache\tno informer\t{\"error\": \"Get \\\"https://10.96.0.1:443/apis/shop/v1\\\": context deadline exceeded\"}":         trial.TestFailed,
		`E0101 10:00:00.100000       1 lock.go:9] error retrieving resource lock: Get "https://10.96.0.1:443/apis": dial tcp: connect: connection refused`:    trial.TestFailed,
		`        "{\"level\":\"error\",\"msg\":\"no node\",\"error\":\"Get https://10.96.0.1:443/apis: i/o timeout\"}"`:                                       trial.TestFailed,
		`Get "https://127.0.0.1:6443/api/v1/pods": dial tcp 127.0.0.1:6443: connect: connection refused`:                                                      trial.ClusterHang,
		`E0101 10:00:00.100000      91 memcache.go:265] couldn't get the list: Get "https://127.0.0.1:6443/api": dial tcp 127.0.0.1:6443: connection refused`: trial.ClusterHang,
	} {
		for _, opts := range []Options{{}, {Phase: trial.PhaseTest, ExitCode: exit(1)}} {
			if got := classify(t, opts, "Running Suite: Shop\n"+said+sum); got.Outcome != want {
				t.Errorf("%+v: %s (%s) by %+v, want %s, of\n%s", opts, got.Outcome, got.Cause, got.Evidence, want, said)
			}
		}
	}
}

// A limit that a CI sets to a job says nothing about an engine.
func TestLimitsOfJobsBlameNoEngine(t *testing.T) {
	for log, want := range map[string]trial.Outcome{
		"$ docker build -t shop .\nERROR: Job failed: execution took longer than 1h0m0s seconds\n":                                 trial.BuildFailed,
		"#9 [3/4] RUN npm ci\nError: The action 'Build' has timed out after 30 minutes.\n":                                         trial.BuildFailed,
		"$ ./e2e\nThe job running on runner GitHub Actions 7 has exceeded the maximum execution time of 360 minutes.\n":            trial.BuildFailed,
		"=== RUN   TestShop\nThe job running on runner GitHub Actions 7 has exceeded the maximum execution time of 360 minutes.\n": trial.TestFailed,
		"deployment.apps/shop created\nERROR: Job failed: execution took longer than 1h0m0s seconds\n":                             trial.ClusterHang,
	} {
		if got := classify(t, Options{}, log); got.Outcome != want || got.Cause == trial.CauseSilence {
			t.Errorf("%s (%s) by %+v, want %s, of\n%s", got.Outcome, got.Cause, got.Evidence, want, log)
		}
	}
}

// What is said beside a result is not the result.
func TestBesideTheResult(t *testing.T) {
	const bake = "#22 exporting layers 1.2s done\n#22 naming to docker.io/library/shop:1 done\n#22 DONE 2.4s\n#25 [worker] exporting cache to GitHub Actions Cache\n#25 ERROR: error writing layer blob: not_found: cache reservation not found\n"
	const test = "NAME: shop\nSTATUS: deployed\nTEST SUITE:     shop-test\nPhase:          %s\n\nPOD LOGS: shop-test\nwget: can't connect to remote host (192.0.2.2): Connection refused\nremote file exists\n"
	for log, want := range map[string]trial.Outcome{
		bake + "#26 DONE 0.0s\nWARNING: the cache export was ignored (ignore-error=true)\n":      trial.OK,
		bake + "ERROR: failed to solve: error writing layer blob: cache reservation not found\n": trial.BuildFailed,
		"2026-01-01T10:00:00.1Z deployment \"shop\" successfully rolled out\n2026-01-01T10:00:00.1Z --- FAIL: TestShop (2.00s)\n2026-01-01T10:00:00.2Z FAIL\n2026-01-01T10:00:00.3Z FAIL\tshop/e2e\t2.412s\n2026-01-01T10:00:00.4Z Deleting cluster \"e2e\" ...\n": trial.TestFailed,
		fmt.Sprintf(test, "Succeeded"):                                trial.OK,
		fmt.Sprintf(test, "Failed") + "Error: pod shop-test failed\n": trial.TestFailed,
	} {
		if got := classify(t, Options{}, log); got.Outcome != want {
			t.Errorf("%s (%s) by %+v, want %s, of\n%s", got.Outcome, got.Cause, got.Evidence, want, log)
		}
	}
}
