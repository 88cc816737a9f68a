package outcomes

import (
	"errors"
	"slices"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/classify"
	"github.com/stratbench/stratbench/outcomes/postmortem"
	"github.com/stratbench/stratbench/outcomes/probe"
	"github.com/stratbench/stratbench/outcomes/watch"
)

const nodeID = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func reported(o trial.Outcome, p trial.Phase) *trial.Verdict {
	return &trial.Verdict{Outcome: o, Phase: p, Error: "it failed"}
}

func limited(o trial.Outcome, p trial.Phase) *trial.Verdict {
	return &trial.Verdict{Outcome: o, Phase: p, Error: "it failed", TimedOut: true}
}

// after is what the machine showed: an engine that answers, and what else is given.
func after(also ...trial.Evidence) postmortem.Report {
	return postmortem.Report{Evidence: append(also, trial.Evidence{Source: trial.SourceEngineAPI, State: trial.StateAnswers})}
}

func saw(k trial.State, p trial.Phase) watch.Finding {
	return watch.Finding{State: k, Phase: p, Text: string(k)}
}

func kill(name, group string, p trial.Phase) watch.Finding {
	return watch.Finding{State: trial.StateKilled, Process: name, Subject: name + " (process 7)", Group: group, Phase: p}
}

// TestPrecedence holds the order of witnesses: each case has evidence for more
// than one outcome.
func TestPrecedence(t *testing.T) {
	text := func(o trial.Outcome, cause trial.Cause) classify.Result {
		return classify.Result{Outcome: o, Cause: cause, Confidence: 0.9}
	}
	alive := after()
	for name, c := range map[string]struct {
		of    Case
		want  trial.Outcome
		cause trial.Cause
	}{
		"the user's Ctrl-C beats all": {Case{Cancelled: errors.New("interrupt"), Findings: []watch.Finding{saw(trial.StateEngineEnded, "build")}}, trial.Cancelled, "signal"},
		"a success stays one":         {Case{Reported: reported(trial.OK, ""), Findings: []watch.Finding{saw(trial.StatePartEnded, "build")}}, trial.OK, ""},
		"a dead engine beats the compiler's error": {Case{Reported: reported(trial.BuildFailed, "build"), Findings: []watch.Finding{saw(trial.StateEngineEnded, "build")},
			Text: text(trial.BuildFailed, "compile")}, trial.EngineCrash, "gone"},
		"a virtual machine that came back beats what was seen of its engine": {Case{Reported: reported(trial.BuildFailed, "build"), Restarted: true, After: alive,
			Findings: []watch.Finding{saw(trial.StateEngineEnded, "build")}}, trial.EngineCrash, "restarted"},
		"an engine that aborted": {Case{Findings: []watch.Finding{{State: trial.StateEngineEnded, Cause: trial.CauseSIGABRT, Phase: "build"}}}, trial.EngineCrash, "sigabrt"},
		"a user's engine that was back at once": {Case{Reported: reported(trial.BuildFailed, "build"), After: alive,
			Findings: []watch.Finding{saw(trial.StateConnectionClosed, "build")}, Text: text(trial.EngineCrash, "connection-lost")}, trial.EngineCrash, "restarted"},
		"an engine that was not seen again was not restarted": {Case{Reported: reported(trial.ClusterCreateFailed, "cluster"),
			Findings: []watch.Finding{saw(trial.StateConnectionClosed, "cluster")}, Text: text(trial.ClusterCreateFailed, "kubeadm")}, trial.EngineCrash, "gone"},
		"an engine that ended beats the kubeadm that ended with its node": {Case{Reported: reported(trial.ClusterCreateFailed, "cluster"),
			Findings: []watch.Finding{saw(trial.StateEngineEnded, "cluster")}, Text: text(trial.ClusterCreateFailed, "kubeadm")}, trial.EngineCrash, "gone"},
		"a restart that took the node with it": {Case{Reported: reported(trial.DeployFailed, "deploy"), After: alive,
			Findings: []watch.Finding{saw(trial.StateConnectionClosed, "build"), saw(trial.StateNodeEnded, "build")}}, trial.EngineCrash, "restarted"},
		"a restart that was outlived": {Case{Reported: reported(trial.TestFailed, "test"), After: alive,
			Findings: []watch.Finding{saw(trial.StateConnectionClosed, "build")}}, trial.TestFailed, ""},
		"a cause is one of its outcome": {Case{Reported: reported(trial.DeployFailed, "deploy"), After: alive,
			Text: text(trial.ClusterCreateFailed, "cgroup")}, trial.DeployFailed, ""},
		"a broken tunnel beats the engine that is lost with it": {Case{Reported: reported(trial.ClusterCreateFailed, "cluster"),
			Findings: []watch.Finding{saw(trial.StateConnectionClosed, "cluster"), saw(trial.StateEngineEnded, "cluster"), saw(trial.StateTunnelBroken, "cluster")},
			Text:     text(trial.EngineCrash, "connection-lost")}, trial.RunnerFault, "machine-tunnel"},
		"a tunnel that broke after a success": {Case{Reported: reported(trial.OK, ""), Findings: []watch.Finding{saw(trial.StateTunnelBroken, "test")}}, trial.OK, ""},
		"ssh that was refused for a moment": {Case{Reported: reported(trial.ClusterCreateFailed, "cluster"), After: alive,
			Text: text(trial.RunnerFault, trial.CauseTunnel)}, trial.RunnerFault, "machine-tunnel"},
		"a dead engine that the kernel killed": {Case{Reported: reported(trial.BuildFailed, "build"),
			Findings: []watch.Finding{kill("podman", "", "build"), saw(trial.StateEngineEnded, "build")}}, trial.EngineCrash, "oom"},
		"a killed compiler under a living engine": {Case{Reported: reported(trial.BuildFailed, "build"), After: alive, OwnEngine: true,
			Findings: []watch.Finding{kill("compile", "libpod_parent/libpod-1", "build")}, Text: text(trial.EngineCrash, "connection-lost")}, trial.BuildOOM, "oom"},
		"a process killed earlier does not explain a failed test": {Case{Reported: reported(trial.TestFailed, "test"), After: alive, OwnEngine: true,
			Findings: []watch.Finding{kill("compile", "libpod_parent/libpod-1", "build")}}, trial.TestFailed, ""},
		"thrashing explains an API that does not answer": {Case{Findings: []watch.Finding{saw(trial.StateEngineSilent, "build"), saw(trial.StateThrashing, "build")}}, trial.HostExhausted, "memory-thrashing"},
		"an engine that does not answer for want of memory": {Case{Worst: trial.Sample{Pressure: trial.Pressure{Known: true, MemorySome: 70, MemoryFull: 32}},
			Findings: []watch.Finding{saw(trial.StateEngineSilent, "build")}}, trial.HostExhausted, "memory-starved"},
		"an API server that does not answer for want of memory": {Case{Reported: reported(trial.BuildFailed, "build"), Worst: trial.Sample{Pressure: trial.Pressure{Known: true, MemorySome: 91, MemoryFull: 30}},
			Findings: []watch.Finding{saw(trial.StateKubernetesSilent, "build")}}, trial.HostExhausted, "memory-starved"},
		"an API server that does not answer with memory to spare": {Case{Reported: reported(trial.BuildFailed, "build"), Findings: []watch.Finding{saw(trial.StateKubernetesSilent, "build")}}, trial.ClusterHang, "apiserver"},
		"an engine that does not answer with memory to spare":     {Case{Findings: []watch.Finding{saw(trial.StateEngineSilent, "build")}}, trial.EngineHang, "no-answer"},
		"the user's own code is never a crash of an engine that answers": {Case{Reported: reported(trial.BuildFailed, "build"), After: alive, OwnEngine: true,
			Text: text(trial.EngineCrash, "connection-lost")}, trial.BuildFailed, "unclear"},
		"a step that was stopped is not killed for want of memory when the kernel killed nobody": {Case{Reported: reported(trial.BuildFailed, "build"), After: alive, OwnEngine: true,
			Text: text(trial.BuildOOM, "oom")}, trial.BuildFailed, "unclear"},
		"a text of a killed process counts when the kernel counted one": {Case{Reported: reported(trial.BuildFailed, "build"), After: alive, OwnEngine: true, Kills: 1,
			Text: text(trial.BuildOOM, "oom")}, trial.BuildOOM, "oom"},
		"a text alone decides when nobody watched the process": {Case{Reported: reported(trial.BuildFailed, "build"), After: alive,
			Text: text(trial.EngineCrash, "connection-lost")}, trial.EngineCrash, "connection-lost"},
		"a full disk beats the step that met it": {Case{Reported: reported(trial.BuildFailed, "build"), After: after(trial.Evidence{Source: trial.SourceDisk, State: trial.StateFull})}, trial.Storage, "disk-full"},
		"a cluster that waits for want of inotify instances": {Case{Reported: limited(trial.ClusterCreateFailed, "cluster"), Silent: true,
			After: after(trial.Evidence{Source: trial.SourceInotify, State: trial.StateExhausted})}, trial.HostExhausted, "inotify"},
		"a build needs no inotify instance": {Case{Reported: reported(trial.BuildFailed, "build"),
			After: after(trial.Evidence{Source: trial.SourceInotify, State: trial.StateExhausted}), Text: text(trial.BuildFailed, "compile")}, trial.BuildFailed, "compile"},
		"a silent step at work is no hang of the engine": {Case{Reported: limited(trial.BuildFailed, "build"), Silent: true, OwnEngine: true,
			After: alive, Quiet: watch.Quiet{Known: true, Working: []string{"sleep"}}}, trial.BuildFailed, "silent"},
		"a step that is silent because the machine waits for memory": {Case{Reported: limited(trial.BuildFailed, "build"), Silent: true, OwnEngine: true, After: alive,
			Quiet: watch.Quiet{Known: true, Working: []string{"sleep"}}, Worst: trial.Sample{Pressure: trial.Pressure{Known: true, MemoryFull: 68}}}, trial.HostExhausted, "memory-thrashing"},
		"silence with nobody at work is": {Case{Reported: limited(trial.BuildFailed, "build"), Silent: true, OwnEngine: true, After: alive, Quiet: watch.Quiet{Known: true}}, trial.EngineHang, "idle"},
		"a cluster that is ended by its limit says that it failed": {Case{Reported: limited(trial.ClusterCreateFailed, "cluster"), After: alive,
			Text: text(trial.ClusterCreateFailed, "")}, trial.ClusterHang, "limit"},
		"a cluster that is not done in time for want of handles": {Case{Reported: limited(trial.ClusterCreateFailed, "cluster"), After: alive,
			Text: text(trial.HostExhausted, "inotify")}, trial.HostExhausted, "inotify"},
		"a cluster that is not done in time": {Case{Reported: limited(trial.ClusterCreateFailed, "cluster"), After: alive}, trial.ClusterHang, "limit"},
		"a pod that is not ready while the cluster answers": {Case{Reported: limited(trial.DeployFailed, "deploy"), Phase: "deploy",
			After: after(trial.Evidence{Source: trial.SourceKubernetes, State: trial.StateAnswers})}, trial.DeployFailed, "limit"},
		"a pod that is not ready because the cluster does not": {Case{Reported: limited(trial.DeployFailed, "deploy"),
			After: after(trial.Evidence{Source: trial.SourceKubernetes, State: trial.StateSilent})}, trial.ClusterHang, "apiserver"},
		"a dead node beats the test that noticed": {Case{Reported: reported(trial.TestFailed, "test"), Findings: []watch.Finding{saw(trial.StateNodeEnded, "test")}}, trial.ClusterHang, "node-ended"},
		"etcd killed for want of memory": {Case{Reported: reported(trial.DeployFailed, "deploy"), MemoryFull: true, After: postmortem.Report{Nodes: []probe.Node{{ID: nodeID}}},
			Findings: []watch.Finding{kill("etcd", "docker/"+nodeID+"/kubelet/kubepods", "deploy")}}, trial.HostExhausted, "oom"},
		"a pod at its own limit": {Case{Reported: reported(trial.DeployFailed, "deploy"), After: postmortem.Report{Nodes: []probe.Node{{ID: nodeID}}},
			Findings: []watch.Finding{kill("api", "docker/"+nodeID+"/kubelet/kubepods", "deploy")}}, trial.DeployFailed, "oom"},
		"a worker that is gone under a living engine": {Case{Worker: "signal: killed", Phase: "build", After: alive}, trial.RunnerFault, "worker-lost"},
		"a worker that is gone with its engine":       {Case{Worker: "signal: killed", Phase: "build", Findings: []watch.Finding{saw(trial.StateEngineEnded, "build")}}, trial.EngineCrash, "gone"},
		"a worker that is gone, and then an engine that gave up": {Case{Worker: "signal: killed", WorkerEnded: 3, Phase: "build",
			Findings: []watch.Finding{{State: trial.StateEngineEnded, Phase: "build", Cause: "exit-status-2", At: 4}}}, trial.RunnerFault, "worker-lost"},
		"an engine that gave up, and a worker ended for it": {Case{Worker: "signal: killed", WorkerEnded: 8, Phase: "build",
			Findings: []watch.Finding{{State: trial.StateEngineEnded, Phase: "build", Cause: "exit-status-2", At: 4}}}, trial.EngineCrash, "exit-status-2"},
		"a worker that is gone, and an engine that was killed": {Case{Worker: "signal: killed", WorkerEnded: 3, Phase: "build",
			Findings: []watch.Finding{{State: trial.StateEngineEnded, Phase: "build", Cause: trial.CauseSIGKILL, At: 4}}}, trial.EngineCrash, "sigkill"},
		"a worker that is gone with its machine, killed for want of memory": {Case{Worker: "signal: killed", Phase: "build",
			Findings: []watch.Finding{kill("exe", "", "build"), {State: trial.StatePartEnded, Subject: "containerd", Phase: "build"}}}, trial.EngineCrash, "oom"},
		"containerd gone, and the trial with it": {Case{Reported: reported(trial.ClusterCreateFailed, "cluster"), Findings: []watch.Finding{{State: trial.StatePartEnded, Subject: "containerd", Phase: "cluster"}}}, trial.EngineCrash, "containerd"},
		"a pull that failed is no build":         {Case{Reported: reported(trial.PullFailed, "build"), After: alive, Text: text(trial.BuildFailed, "user")}, trial.PullFailed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := Judge(c.of)
			if v.Outcome != c.want || v.Cause != c.cause {
				t.Errorf("got %s (%s), want %s (%s); evidence %+v", v.Outcome, v.Cause, c.want, c.cause, v.Evidence)
			}
			if v.Confidence <= 0 || v.Confidence > 1 {
				t.Errorf("confidence %v", v.Confidence)
			}
			if v.Outcome != trial.OK && v.Outcome != trial.Cancelled && v.Phase == "" {
				t.Error("a failure without a phase")
			}
		})
	}
}

// TestWatchBeatsText: what was seen is surer than what was printed.
func TestWatchBeatsText(t *testing.T) {
	byWatch := Judge(Case{Reported: reported(trial.BuildFailed, "build"), Findings: []watch.Finding{saw(trial.StateEngineEnded, "build")}})
	byText := Judge(Case{Reported: reported(trial.BuildFailed, "build"), Text: classify.Result{Outcome: trial.EngineCrash, Confidence: 0.9}})
	if byWatch.Outcome != byText.Outcome || byWatch.Confidence <= byText.Confidence {
		t.Errorf("watch says %s (%v), text says %s (%v)", byWatch.Outcome, byWatch.Confidence, byText.Outcome, byText.Confidence)
	}
}

// The watch may see a kill that no sample has counted yet: the log that tells of
// it is then not refuted.
func TestWatchBearsOutText(t *testing.T) {
	v := Judge(Case{Reported: reported(trial.BuildFailed, "build"), OwnEngine: true, After: after(),
		Findings: []watch.Finding{kill("sh", "buildah-1", "build")},
		Text:     classify.Result{Outcome: trial.BuildOOM, Cause: "oom", Confidence: 0.9, Evidence: []classify.Evidence{{Line: 3, Text: "Killed"}}}})
	i := slices.IndexFunc(v.Evidence, func(e trial.Evidence) bool { return e.Text == "Killed" })
	if v.Outcome != trial.BuildOOM || i < 0 || v.Evidence[i].Outcome != trial.BuildOOM {
		t.Errorf("%s; evidence %+v", v.Outcome, v.Evidence)
	}
}

// TestConfined judges failures on a machine that reaches nothing outside. What wanted to
// fetch something is recognised by the words of many tools, and other failures are judged
// as on any machine.
func TestConfined(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		phase   trial.Phase
		decided trial.Outcome
		want    trial.Cause
	}{
		"go":            {"go: example.com/mod@v1.2.3: Get \"https://modules.example/example.com/mod/@v/v1.2.3.mod\": dial tcp: lookup modules.example on 198.18.0.1:53: read udp 10.0.0.2:4->198.18.0.1:53: read: connection refused", trial.PhaseBuild, trial.BuildFailed, trial.CauseNoWayOut},
		"apt":           {"W: Failed to fetch http://packages.example/dists/stable/InRelease  Temporary failure resolving 'packages.example'", trial.PhaseBuild, trial.BuildFailed, trial.CauseNoWayOut},
		"npm":           {"npm error code EAI_AGAIN\nnpm error syscall getaddrinfo", trial.PhaseBuild, trial.BuildFailed, trial.CauseNoWayOut},
		"pip":           {"Failed to establish a new connection: [Errno -2] Name or service not known", trial.PhaseBuild, trial.BuildFailed, trial.CauseNoWayOut},
		"curl":          {"curl: (6) Could not resolve host: files.example", trial.PhaseBuild, trial.BuildFailed, trial.CauseNoWayOut},
		"git":           {"fatal: unable to access 'https://git.example/a/b/': Couldn't resolve host", trial.PhaseBuild, trial.BuildFailed, trial.CauseNoWayOut},
		"wget":          {"wget: bad address 'files.example'", trial.PhaseBuild, trial.BuildFailed, trial.CauseNoWayOut},
		"by address":    {"dial tcp 203.0.113.7:443: connect: network is unreachable", trial.PhaseBuild, trial.BuildFailed, trial.CauseNoWayOut},
		"java":          {"Caused by: java.net.UnknownHostException: repo.example", trial.PhaseBuild, trial.BuildFailed, trial.CauseNoWayOut},
		"cargo":         {"spurious network error: [6] Could not resolve hostname (Could not resolve host: index.example)", trial.PhaseBuild, trial.BuildFailed, trial.CauseNoWayOut},
		"a node":        {"Failed to pull image \"registry.example/db:1\": dial tcp: lookup registry.example on 10.89.0.1:53: server misbehaving", trial.PhaseDeploy, trial.PullFailed, trial.CauseNoWayOut},
		"a mistake":     {"main.go:7:2: undefined: server", trial.PhaseBuild, trial.BuildFailed, "compile"},
		"its own name":  {"dial tcp: lookup db.default.svc on 10.96.0.10:53: no such host", trial.PhaseDeploy, trial.DeployFailed, "crash-loop"},
		"a test's word": {"dial tcp: lookup nobody.example: no such host", trial.PhaseTest, trial.TestFailed, "tests"},
	} {
		t.Run(name, func(t *testing.T) {
			ended := Case{
				Reported: &trial.Verdict{Outcome: c.decided, Phase: c.phase},
				Text:     classify.Result{Outcome: c.decided, Cause: c.want, Confidence: 0.8}, Confined: WantsOut("some line\n" + c.text),
			}
			if c.want == trial.CauseNoWayOut {
				ended.Text.Cause = "other"
			}
			if v := Judge(ended); v.Outcome != c.decided || v.Cause != c.want {
				t.Errorf("judged %s/%s, want %s/%s", v.Outcome, v.Cause, c.decided, c.want)
			}
		})
	}
}
