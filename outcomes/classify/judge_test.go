package classify

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
)

func exit(code int) *int { return &code }

func TestJudgement(t *testing.T) {
	far := strings.Repeat("working\n", staleLines+10)
	tests := map[string]struct {
		opts    Options
		log     string
		outcome trial.Outcome
		cause   trial.Cause
	}{
		"an engine's death explains a failed build and test": {
			log:     "make: *** [Makefile:3: all] Error 125\nError: server probably quit: unexpected EOF\n--- FAIL: TestX (1s)\n",
			outcome: trial.EngineCrash, cause: "connection-lost"},
		"a death by the OOM killer has that cause": {
			log:     "Out of memory: Killed process 9 (cc1plus) total-vm:1kB\nError: server probably quit: unexpected EOF\n",
			outcome: trial.EngineCrash, cause: "oom"},
		"a killed compiler under a living engine": {
			log:     "/usr/local/go/pkg/tool/linux_amd64/compile: signal: killed\nERROR: failed to solve: process \"/bin/sh -c go build\" did not complete successfully: exit code: 1\n",
			outcome: trial.BuildOOM, cause: "oom"},
		"the user's own code is no crash": {
			opts:    Options{Phase: trial.PhaseBuild, Runtime: trial.Podman, ExitCode: exit(125)},
			log:     "./cart.go:1:2: undefined: total\nError: building at STEP \"RUN go build\": while running runtime: exit status 1\n",
			outcome: trial.BuildFailed, cause: "compile"},
		"a registry that refuses": {
			log:     "Head \"http://localhost:5000/v2/shop/manifests/1\": dial tcp 127.0.0.1:5000: connect: connection refused\n",
			outcome: trial.PullFailed, cause: "connection"},
		"a registry that wants a login, as Podman ends the line": {
			log:     "Error: creating build container: initializing source docker://registry.example:5000/private/go:1: reading manifest 1 in registry.example:5000/private/go: unauthorized\n",
			outcome: trial.PullFailed, cause: "denied"},
		"a registry that refuses this user, as Podman ends the line": {
			log:     "Error: creating build container: initializing source docker://registry.example:5000/private/go:1: reading manifest 1 in registry.example:5000/private/go: denied\n",
			outcome: trial.PullFailed, cause: "denied"},
		"an API server that wants a login is no registry": {
			log:     "Error listing Nodes: Unauthorized\nX Exiting due to GUEST_START: the control plane never came up\n",
			outcome: trial.ClusterCreateFailed, cause: "kind"},
		"a request that the client gave up is no dead engine": {
			log:     "ERRO[0009] Failed waiting for log message 'ready' from node 'k3d-shop-server-1'\nERRO[0009] error during connect: Post \"http://%2Fvar%2Frun%2Fdocker.sock/v1.40/containers/1a/start\": context canceled\n",
			outcome: trial.ClusterCreateFailed, cause: "k3d"},
		"a build that failed rejects no object": {
			log:     "#8 [3/4] COPY . .\n#8 ERROR: Process shop already exists\nERROR: failed to solve: Process shop already exists\n",
			outcome: trial.BuildFailed, cause: trial.CauseUnknown},
		"a build that did not fail has an object rejected behind it": {
			log:     "#8 [3/4] COPY . .\n#8 DONE 0.1s\nError from server (Invalid): error when creating \"shop.yaml\": Deployment.apps \"shop\" is invalid\n",
			outcome: trial.DeployFailed, cause: "rejected"},
		"who creates a cluster reads no Dockerfile": {
			log:     "Creating cluster \"e2e\" ...\nERROR: failed to create cluster: could not parse Kubernetes version: \"shop\"\n",
			outcome: trial.ClusterCreateFailed, cause: trial.CauseUnknown},
		"a test behind services that were started for it": {
			log:     " Container shop-db-1  Healthy\nError: expected 3 to equal 4\n",
			outcome: trial.TestFailed, cause: "assertion"},
		"an engine that refuses": {
			log:     "dial unix /run/user/1000/podman/podman.sock: connect: connection refused\n",
			outcome: trial.EngineCrash, cause: "daemon-down"},
		"an API server that refuses": {
			log:     "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?\n",
			outcome: trial.ClusterHang, cause: "apiserver"},
		"an API server that refuses a manifest": {
			opts:    Options{Phase: trial.PhaseDeploy},
			log:     "finding the resource of Pod default/waiter in manifests/waiter.yaml: Get \"https://127.0.0.1:41197/api?timeout=32s\": dial tcp 127.0.0.1:41197: connect: connection refused\n",
			outcome: trial.ClusterHang, cause: "apiserver"},
		"a download that ends early": {
			log:     "Error: copying system image: reading blob sha256:1: unexpected EOF\n",
			outcome: trial.PullFailed, cause: "connection"},
		"EOF in a success": {
			opts:    Options{ExitCode: exit(0)},
			log:     "ERRO[0000] While reading: unexpected EOF\nCOMMIT shop\n",
			outcome: trial.OK},
		"no space that is no disk: locks": {
			log:     "Error: allocating lock for new container: no space left on device\n",
			outcome: trial.HostExhausted, cause: "locks"},
		"no space that is no disk: inotify": {
			log:     "failed to create inotify watch: no space left on device\n",
			outcome: trial.HostExhausted, cause: "inotify"},
		"a quota that is no disk's": {
			log:     "crun: join keyctl: Disk quota exceeded: OCI runtime error\n",
			outcome: trial.HostExhausted, cause: "keyring-quota"},
		"ports taken": {
			log:     "listen tcp 127.0.0.1:80: bind: address already in use\n",
			outcome: trial.HostExhausted, cause: "ports"},
		"ports taken, and kind create died of it": {
			log:     "ERROR: failed to create cluster: exit status 125\nlisten tcp 127.0.0.1:80: bind: address already in use\n",
			outcome: trial.ClusterCreateFailed, cause: "ports"},
		"a full disk in kind create": {
			log:     "ERROR: failed to create cluster: write: no space left on device\n",
			outcome: trial.Storage, cause: "disk-full"},
		"a test that fails because no cluster came up": {
			opts:    Options{Phase: trial.PhaseTest},
			log:     "ERROR: failed to create cluster: failed to init node with kubeadm\n--- FAIL: TestMain (1s)\nFAIL\n",
			outcome: trial.ClusterCreateFailed, cause: "kubeadm"},
		"a pull that was retried with success": {
			log:     "received unexpected HTTP status: 503 Service Unavailable\nStatus: Downloaded newer image for shop:1\nSuccessfully tagged shop:1\n",
			outcome: trial.OK},
		"a job that says it succeeded, whatever came before": {
			log:     "Error: server probably quit: unexpected EOF\nretrying\nFinished: SUCCESS\n",
			outcome: trial.OK},
		"a success of the job is no word on what follows": {
			log:     "Finished: SUCCESS\nError: server probably quit: unexpected EOF\n",
			outcome: trial.EngineCrash, cause: "connection-lost"},
		"a warning before a success": {
			log:     "WARN[0001] Error: statfs /srv/missing: no such file or directory\nSuccessfully tagged shop:1\n",
			outcome: trial.OK},
		"an error beside a warning": {
			opts:    Options{Phase: trial.PhaseCluster},
			log:     "level=warning msg=\"statfs /srv/missing: no such file or directory\"\nERROR: failed to create cluster: failed to init node with kubeadm\nerror execution phase wait-control-plane\n",
			outcome: trial.ClusterCreateFailed, cause: "kubeadm"},
		"an event of the type Warning is the failure": {
			log:     "  Warning  Failed  kubelet  Error: CreateContainerConfigError\n",
			outcome: trial.DeployFailed, cause: "container-start"},
		"the words of an excerpt tell the phase": {
			log:     "$ podman run --rm shop\nError: it went wrong\n",
			outcome: trial.DeployFailed, cause: "unknown"},
		"a marker tells the phase better than words": {
			log:     "STEP 3/7: RUN podman run --rm shop\nError: it went wrong\n",
			outcome: trial.BuildFailed, cause: "unknown"},
		"a step that goes on is not where the log stops": {
			opts:    Options{Phase: trial.PhaseBuild},
			log:     "#9 [5/9] RUN make\n#9 DONE 3.2s\n\n",
			outcome: trial.OK},
		"what a step printed that was done": {
			log: "#9 [2/3] RUN ./setup.sh\n#9 1.1 write x: no space left on device\n#9 DONE 3.2s\n#11 exporting to image\n#11 naming to docker.io/library/shop:1 done\n", outcome: trial.OK},
		"what a step printed that failed": {
			opts:    Options{Phase: trial.PhaseBuild, ExitCode: exit(1)},
			log:     "#9 [2/3] RUN ./setup.sh\n#9 1.1 write x: no space left on device\n#8 DONE 3.2s\n#9 ERROR: process \"/bin/sh -c ./setup.sh\" did not complete successfully: exit code: 1\n",
			outcome: trial.Storage, cause: "disk-full"},
		"what a step printed that another build had done": {
			opts:    Options{Phase: trial.PhaseBuild, ExitCode: exit(1)},
			log:     "#9 1.1 write x: no space left on device\n#9 ERROR: process \"/bin/sh -c ./setup.sh\" did not complete successfully: exit code: 1\n#9 DONE 1.0s\n",
			outcome: trial.Storage, cause: "disk-full"},
		"a step behind which the build goes on": {
			opts:    Options{Phase: trial.PhaseBuild, ExitCode: exit(1)},
			log:     "Step 1/3 : FROM base\nStep 2/3 : RUN ./setup.sh\nwrite x: no space left on device\nStep 3/3 : RUN go build\n./cart.go:1:2: undefined: total\n",
			outcome: trial.BuildFailed, cause: "compile"},
		"what was said before a build": {
			opts:    Options{Phase: trial.PhaseBuild, ExitCode: exit(1)},
			log:     "write x: no space left on device\nSTEP 1/2: FROM base\nSTEP 2/2: RUN true\n",
			outcome: trial.Storage, cause: "disk-full"},
		"a step where the log stops, blank lines aside": {
			opts:    Options{Phase: trial.PhaseBuild},
			log:     "#9 [5/9] RUN make\n\n  \n",
			outcome: trial.EngineHang, cause: "no-output"},
		"a thread that cannot be had is no panic of the engine": {
			log:     "runtime/cgo: pthread_create failed: Resource temporarily unavailable\nSIGABRT: abort\ngoroutine 1 [running]:\ngithub.com/docker/docker/pkg/x.New(0x1)\n",
			outcome: trial.HostExhausted, cause: "pids"},
		"a pod that came up after all": {
			log:     "Warning  BackOff  Back-off restarting failed container\ndeployment \"shop\" successfully rolled out\n",
			outcome: trial.OK},
		"what the pipeline long survived weighs less": {
			opts:    Options{Phase: trial.PhaseBuild},
			log:     "rm: no space left on device\n" + far + "./cart.go:1:2: undefined: total\n",
			outcome: trial.BuildFailed, cause: "compile"},
		"a code and no reason":     {opts: Options{Phase: trial.PhaseLoad, ExitCode: exit(3)}, log: "bye\n", outcome: trial.LoadFailed},
		"the code of timeout(1)":   {opts: Options{Phase: trial.PhaseBuild, ExitCode: exit(124)}, outcome: trial.EngineHang, cause: "timeout"},
		"the code of an interrupt": {opts: Options{Phase: trial.PhaseBuild, ExitCode: exit(130)}, outcome: trial.Cancelled, cause: "signal"},
		"the code of a kill":       {opts: Options{Phase: trial.PhaseBuild, ExitCode: exit(137)}, outcome: trial.BuildOOM, cause: "oom"},
		"few lines and no success": {opts: Options{Phase: trial.PhaseDeploy}, log: "shop-1  starting\n", outcome: trial.DeployFailed, cause: "silence"},
		"no deployment fails before there is a cluster": {
			opts:    Options{Phase: trial.PhaseCluster},
			log:     "Warning  Failed  kubelet  Error: CreateContainerConfigError\n",
			outcome: trial.ClusterCreateFailed, cause: "container-start"},
		"a cluster that fails the test": {
			opts:    Options{Phase: trial.PhaseTest},
			log:     "ERROR: failed to create cluster: something unusual\n",
			outcome: trial.ClusterCreateFailed, cause: "kind"},
		"errors joined to one line state each its own": {
			opts:    Options{Phase: trial.PhaseDeploy, ExitCode: exit(1)},
			log:     "shop is not ready: pod/shop-1: CrashLoopBackOff; before that it ended with exit code 2 (Error): it failed; event node /a: CgroupV1: cgroup v1 support is in maintenance mode; event pod/shop-1: BackOff\n",
			outcome: trial.DeployFailed, cause: "crashloop"},
		"what must not be there is asked of the whole line": {
			log: "image shop:9: error: pinging container registry quay.io; trying again, see kubectl\nSuccessfully tagged shop:9\n", outcome: trial.OK},
		"the error at the end, after a success": {
			log:     "9: digest: sha256:9c size: 3047\ndeploy.sh: error: no shop today\n",
			outcome: trial.BuildFailed, cause: "unknown"},
		"a tidying that failed, after a success": {
			log: "9: digest: sha256:9c size: 3047\nERROR: failed to delete network \"shop\"\n", outcome: trial.OK},
		"the notes of a chart are no statement": {
			log: "NAME: shop\nSTATUS: deployed\nNOTES:\nLook for OOMKilled if the shop\nsays: connection refused.\n", outcome: trial.OK},
		"an error behind the notes of a chart": {
			log:     "NAME: shop\nSTATUS: deployed\nNOTES:\nOpen the shop.\nerror: timed out waiting for the condition on pods/shop\n",
			outcome: trial.DeployFailed, cause: "readiness-timeout"},
		"nothing but a node that waits": {
			log:     strings.Repeat("E0101 10:00:00.1 9 kubelet.go:1] \"Error getting node\" err=\"node \\\"demo\\\" not found\"\n", 2),
			outcome: trial.ClusterCreateFailed, cause: "silence"},
		"plain statements behind the last complaint": {
			log: "fetch: 502 Bad Gateway\nGot it from the mirror\nUnpacked 12 files\nBuilding the shop\n", outcome: trial.OK},
		"a stack trace behind it": {
			log:     "fetch: 502 Bad Gateway\nTraceback (most recent call last)\nmain.py:3 in fetch\nmain.py:9 in get\n",
			outcome: trial.BuildFailed, cause: "tool"},
		"logs that were asked for behind it": {
			opts:    Options{Phase: trial.PhaseDeploy},
			log:     "error: timed out waiting for the condition on deployments/shop\n+ kubectl logs deploy/shop\nread the prices\nopened the till\nthe shop is ready\n",
			outcome: trial.DeployFailed, cause: "readiness-timeout"},
		"what was tried again with success": {
			log: "push: dial tcp 10.0.0.9:5000: connection refused\nattempt 2\n9: digest: sha256:9c size: 3047\n", outcome: trial.OK},
		"what was tried again without success": {
			log:     "dial tcp: lookup registry.example: no such host\nretrying in 5 s\nError: dial tcp: lookup registry.example: no such host\n",
			outcome: trial.PullFailed, cause: "dns"},
		"a complaint while tidying up": {
			log: "Test Suite Passed\ndocker compose down\nshop-1 exited with code 137\n", outcome: trial.OK},
		"the debugging lines of a CI behind it": {
			log:     "Error: The operation was canceled.\n##[debug]System.OperationCanceledException: canceled\n##[debug]   at Example.Run()\n##[debug]Finishing: e2e\n",
			outcome: trial.Cancelled, cause: "signal"},
		"a suite's count behind a plain statement": {
			log:     "Finished in 0.1 seconds (0.00s async, 0.1s sync)\n12 tests, 1 failure\n",
			outcome: trial.TestFailed, cause: "test"},
		"a suite's count without failures": {
			log: "connection refused: no server\nFinished in 0.1 seconds (0.00s async, 0.1s sync)\n12 tests, 0 failures\n", outcome: trial.OK},
		"the tests of compose ended well": {
			log: "tests-1  | an order is refused with 400\ntests-1 exited with code 0\nAborting on container exit...\n Container shop-db-1  Stopped\n", outcome: trial.OK},
		"the tests of compose ended badly": {
			log:     "db-1 exited with code 0\ntests-1 exited with code 1\nAborting on container exit...\n",
			outcome: trial.TestFailed, cause: "step"},
		"a line anchored behind the name of a job": {
			log:     "e2e\tRun it\t2026-01-01T10:00:00.1Z Tests:       1 failed, 3 passed, 4 total\n",
			outcome: trial.TestFailed, cause: "test"},
		"a part of a name in capitals": {opts: Options{Phase: trial.PhaseBuild}, log: "shop.ResourceNotFoundException: failed\n",
			outcome: trial.BuildFailed, cause: trial.CauseUnknown},
		"what Python passed over": {
			log: "===== 2 passed in 3.1s =====\nException ignored in: <function Loop.__del__>\nTraceback (most recent call last):\n  File \"loop.py\", line 6\nRuntimeError: closed\n", outcome: trial.OK},
		"what compose stops because the tests ended well": {
			log: "tests-1 exited with code 0\nAborting on container exit...\n Container shop-api-1  Stopping\napi-1 exited with code 2\n", outcome: trial.OK},
		"a service that ends badly, so that compose stops the others": {
			log:     "migrate-1 exited with code 3\nAborting on container exit...\n Container shop-db-1  Stopped\ndb-1 exited with code 0\n",
			outcome: trial.DeployFailed, cause: "step"},
		"an engine that names a container while compose stops all": {
			log:     "api-1 exited with code 2\nAborting on container exit...\n Container shop-db-1  Stopping\nError response from daemon: Container 9f: server probably quit: unexpected EOF\n",
			outcome: trial.EngineCrash, cause: "connection-lost"},
		"a statement that begins like another one in its line": {opts: Options{Phase: trial.PhaseDeploy},
			log:     "hook failed: it is denied: by policy; pulling shop:9 failed: it is denied: requested access to the resource is denied\n",
			outcome: trial.PullFailed, cause: "denied"},
		"a complaint before tidying up": {
			log:     "Test Suite Passed\n--- FAIL: TestMore (0.1s)\ndocker compose down\n",
			outcome: trial.TestFailed, cause: "tests"},
		"a step that a build begins and does not end": {opts: Options{Phase: trial.PhaseBuild}, log: "STEP 53: COPY --chown=1001:1001 . ./\n",
			outcome: trial.EngineHang, cause: "no-output"},
		"a command that a shell's trace ends with": {opts: Options{Phase: trial.PhaseDeploy}, log: "+ kubectl apply -f m\n+ kubectl wait --for=condition=Ready pod/a\n",
			outcome: trial.DeployFailed, cause: "silence"},
		"few lines of a build":       {opts: Options{Phase: trial.PhaseBuild}, log: "compiling shop\n", outcome: trial.EngineHang, cause: "silence"},
		"few lines and a success":    {opts: Options{Phase: trial.PhaseDeploy}, log: "service/shop created\n", outcome: trial.OK},
		"few lines, nothing known":   {log: "compiling shop\n", outcome: trial.OK},
		"many lines, no success":     {opts: Options{Phase: trial.PhaseBuild}, log: strings.Repeat("compiling\n", shortLines), outcome: trial.OK},
		"nothing at all":             {outcome: trial.OK},
		"a code 0 and a fatal error": {opts: Options{ExitCode: exit(0)}, log: "Error: server probably quit: unexpected EOF\n", outcome: trial.OK},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := classify(t, test.opts, test.log)
			if got.Outcome != test.outcome || got.Cause != test.cause {
				t.Errorf("got %s (%s) by %+v\nwant %s (%s)", got.Outcome, got.Cause, got.Evidence, test.outcome, test.cause)
			}
		})
	}
}

// TestAStepThatSaysNothing: a tool's name in the command of a step is not a message of the
// tool.
func TestAStepThatSaysNothing(t *testing.T) {
	const log = "#9 [2/2] RUN npm ci && npm run build\n#9 2.1 > app@1.0.0 build\n" +
		"ERROR: Build failed: process \"/bin/sh -c npm ci && npm run build\" did not complete successfully: exit code: 1\n"
	r, err := Classify(t.Context(), Options{ExitCode: exit(1)}, strings.NewReader(log))
	if err != nil || r.Outcome != trial.BuildFailed || r.Cause != "step" || r.Confidence > wrapperAlone {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestConfidenceFollowsWhatIsKnown(t *testing.T) {
	log := "write x: no space left on device\n"
	alone := classify(t, Options{}, log).Confidence
	coded := classify(t, Options{ExitCode: exit(1)}, log).Confidence
	disputed := classify(t, Options{}, log+"toomanyrequests: slow down\n").Confidence
	if !(disputed < alone && alone < coded && coded <= textAlone) {
		t.Errorf("disputed %v, alone %v, with an exit code %v", disputed, alone, coded)
	}
	if silent := classify(t, Options{}, "").Confidence; silent >= 0.5 {
		t.Errorf("an empty log deserves little confidence, got %v", silent)
	}
}

func TestResultMarshalsAsDocumented(t *testing.T) {
	got := classify(t, Options{Phase: trial.PhaseBuild}, "\nwrite x: no space left on device\n")
	if v := got.Verdict(); v.Outcome != trial.Storage || v.Evidence[0].Line != 2 || v.Evidence[0].Source != "log" {
		t.Errorf("verdict %+v", v)
	}
	requireJSON(t, got, `{"outcome":"storage","cause":"disk-full","phase":"build","confidence":0.85,`+
		`"evidence":[{"line":2,"text":"write x: no space left on device","rule":"disk-full"}]}`)
	requireJSON(t, classify(t, Options{}, ""), `{"outcome":"ok","cause":"","phase":"","confidence":0.3,"evidence":[]}`)
}
func requireJSON(t *testing.T, r Result, want string) {
	t.Helper()
	got, err := json.Marshal(r)
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}
