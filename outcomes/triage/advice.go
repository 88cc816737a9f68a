package triage

import (
	"fmt"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// counsel is what is known of an outcome, or of a cause of it: what it means,
// and what to try next.
type counsel struct {
	outcome trial.Outcome
	cause   trial.Cause // empty: any other cause
	means   string
	next    []string
}

var counsels = []counsel{
	{trial.OK, "", "Nothing failed.", nil},
	{trial.EngineCrash, trial.CauseOOM, "The kernel killed the engine for want of memory.",
		[]string{"give the machine more memory, or build fewer images at once (strategy serial or 2+1)", "compare the peak in stratbench show with the limit"}},
	{trial.EngineCrash, trial.CauseDiskFull, "The machine's disk was full, and the engine did not survive that.",
		[]string{"free room, or give the store more", "read the engine log in the trial's folder to its end: it says where the engine gave up"}},
	{trial.EngineCrash, trial.CauseContainerd, "A part of the engine, containerd, died; the engine starts it again, but what it ran at that moment was lost.",
		[]string{"look for what ended containerd in the kernel messages and in the engine's log", "repeat the cell with --replicates to see how often it happens"}},
	{trial.EngineCrash, "", "The engine's process ended while the trial needed it. Whatever its clients printed is a consequence.",
		[]string{"read the engine log in the trial's folder to its end", "repeat the cell, serial beside parallel, to see whether load brings it on", "try another version of the engine (settings.engine)"}},
	{trial.EngineHang, trial.CauseStopped, "The engine's process was stopped by a signal and answers nobody.",
		[]string{"find who sent SIGSTOP or SIGTSTP; the engine itself is not to blame"}},
	{trial.EngineHang, trial.CauseIdle, "The engine's API answers, but nothing works on the build and nothing was heard for the whole limit on silence: it looks like a lock that nobody lets go of.",
		[]string{"repeat with strategy serial: a hang that only parallel builds show is a race in the engine", "raise limits.silence.build once, to make sure that nothing was merely slow"}},
	{trial.EngineHang, "", "The engine's process lives, and its API answers nobody.",
		[]string{"read the engine log in the trial's folder to its end", "repeat with strategy serial, to see whether load brings it on"}},
	{trial.HostExhausted, trial.CauseMemoryThrashing, "The machine did nothing but wait for memory: pages were thrown out and read back in. Nothing was killed, so nothing said so.",
		[]string{"give the machine more memory, or build fewer images at once", "run experiments/memory-frontier.yaml to find the least that works"}},
	{trial.HostExhausted, trial.CauseMemoryStarved, "The machine had no memory to spare, and everything in it, the engine and the cluster included, waited for memory. Nothing else is wrong with them.",
		[]string{"give the machine more memory, or build fewer images at once", "run experiments/memory-frontier.yaml to find the least that works"}},
	{trial.HostExhausted, trial.CauseInotify, "The host has no inotify instances or watches left.",
		[]string{"raise fs.inotify.max_user_instances and fs.inotify.max_user_watches on the host"}},
	{trial.HostExhausted, "", "The machine ran out of something that is not disk: memory, ports, processes or handles.",
		[]string{"the line under log names it; raise that limit, or run less at once"}},
	{trial.BuildOOM, "", "The kernel killed a process of a build for want of memory, under an engine that lives.",
		[]string{"give the machine more memory, or build fewer images at once", "limit the build's own parallelism, such as GOFLAGS=-p=1"}},
	{trial.BuildFailed, trial.CauseSilent, "A step of the build said nothing for the whole limit on silence, while the engine answered and the step's processes lived. That is the step, not the engine.",
		[]string{"run the step by hand: does it wait for input, for a lock or for the network?", "if it is merely quiet, raise limits.silence.build"}},
	{trial.BuildFailed, trial.CauseLimit, "The builds were not done within their limit, though they made progress.", []string{"raise limits.phase.build, or give the machine more"}},
	{trial.BuildFailed, trial.CauseNoWayOut, "A step of the build fetches something, and the isolated machine reaches nothing outside of it. Neither the Dockerfile nor the engine is to blame.",
		[]string{"settings.machine.network: host lets isolated machines reach what this host reaches; build.argsFromEnvironment hands on variables such as GOPROXY",
			"or put what is fetched into the build's context, such as with go mod vendor, so that no trial waits for a network"}},
	{trial.BuildFailed, "", "A step of the build failed by itself. The engine did its work.",
		[]string{"read the lines above the error in the trial's log: the mistake is in the Dockerfile or the code", "the trial counts as a failure of the workload, not of the engine"}},
	{trial.Storage, trial.CauseDiskFull, "The machine's disk has no room left.",
		[]string{"free room, or give the store more", "smaller images, or fewer layers, need less of it"}},
	{trial.Storage, "", "The engine's storage failed: a layer, its database or a lock in it.",
		[]string{"repeat with strategy serial: races over layers need two builds at once"}},
	{trial.PullFailed, trial.CauseNoWayOut, "An image had to be fetched, and the isolated machine reaches nothing outside of it. No registry was asked.",
		[]string{"settings.machine.network: host lets isolated machines, and their clusters' nodes, reach what this host reaches",
			"or build the image in the workload, on one of the machine's own base images"}},
	{trial.PullFailed, trial.CauseDenied, "The registry wants a login. It got none, or one that it does not accept for this image.",
		[]string{"docker login HOST, or podman login HOST, as the user who runs stratbench; with sudo, that is root",
			"on an isolated machine, settings.machine.network: host is needed too: without it no login of the user's is there",
			"the nodes of a cluster pull without the user's logins: give their pods an imagePullSecret, or load the image"}},
	{trial.PullFailed, "", "An image could not be fetched from its registry. The engine did what it could.",
		[]string{"ask the registry by hand from the same network", "strategies that build need no registry for the workload's own images"}},
	{trial.ClusterCreateFailed, "", "Kind could not create the cluster.",
		[]string{"stratbench doctor checks what Kind needs of a host", "read the kubelet's lines in the trial's log"}},
	{trial.ClusterHang, trial.CauseNodeEnded, "The container of the cluster's node ended under it.",
		[]string{"look for what killed it: OOM events, kernel messages, the engine's log"}},
	{trial.ClusterHang, trial.CauseAPIServer, "The node runs, and its Kubernetes API server does not answer.",
		[]string{"compare memory and I/O pressure with a good trial: etcd starves first", "clusterStart: before keeps builds from starving the control plane"}},
	{trial.ClusterHang, "", "The cluster did not become ready in time, though nothing in it failed.",
		[]string{"raise limits.phase.cluster once, to tell slow from stuck", "clusterStart: before keeps builds out of its way"}},
	{trial.LoadFailed, "", "The images did not get from the engine into the node.", []string{"read the lines of the load in the trial's log", "load.together: false loads them one by one"}},
	{trial.DeployFailed, "", "The cluster stands, and the workload did not become ready in it.",
		[]string{"the trial's log has the reasons that Kubernetes gives for each object that is not ready", "the trial counts as a failure of the workload"}},
	{trial.TestFailed, "", "The services were ready, and the suite failed.", []string{"stratbench show lists the tests that failed"}},
	{trial.SetupFailed, "", "The set-up command failed, outside of every phase that its marks show.",
		[]string{"the trial's log has all that it printed", "setup.marks, or stratbench mark, say in which phase it is"}},
	{trial.Cancelled, "", "The trial was told to stop.", []string{"continue with --resume"}},
	{trial.RunnerFault, trial.CauseWorkerLost, "stratbench's own worker died. The trial says nothing of the engine.",
		[]string{"continue with --resume; the trial is done again", "was it killed for want of memory on the host? See kernel messages"}},
	{trial.RunnerFault, "", "stratbench could not measure. The trial says nothing of the engine.", []string{"stratbench doctor; then continue with --resume"}},
}

func counselFor(v trial.Verdict) counsel {
	for _, c := range counsels {
		if c.outcome == v.Outcome && (c.cause == v.Cause || c.cause == "") {
			return c
		}
	}
	return counsel{}
}

func likelyCause(v trial.Verdict) string {
	c := counselFor(v)
	text := c.means
	if why, known := v.Cause.Text(); known && c.cause == "" {
		text += " " + why
	}
	if v.Outcome != trial.OK {
		text += fmt.Sprintf(" (confidence %.2f)", v.Confidence)
	}
	return text
}

func next(v trial.Verdict) []string { return append([]string{}, counselFor(v).next...) }

// against lists the observations that do not fit the verdict.
func against(r results.Record) []string {
	list := []string{}
	v := r.Verdict
	engine := v.Outcome == trial.EngineCrash || v.Outcome == trial.EngineHang
	for _, e := range r.Observed {
		switch {
		case e.Source == trial.SourceEngineAPI && e.State == trial.StateAnswers && engine:
			list = append(list, "the engine's API answered when it was asked after the failure")
		case e.Source == trial.SourceEngineAPI && e.State == trial.StateHangs && !engine && v.Outcome != trial.HostExhausted:
			list = append(list, "the engine's API hung when it was asked after the failure: "+e.Text)
		case e.Source == trial.SourceOOM && e.State == trial.StateNone && v.Cause == trial.CauseOOM:
			list = append(list, e.Text)
		}
	}
	for _, e := range v.Evidence {
		if e.State == trial.StateReadsRefuted {
			list = append(list, fmt.Sprintf("the log reads like %s, which the watch refutes: %s", e.Outcome, e.Text))
		}
	}
	var peak trial.Bytes
	for _, s := range r.Samples {
		peak = max(peak, s.Peak())
	}
	if share := float64(peak) / float64(r.Machine.MemoryLimit); v.Outcome == trial.HostExhausted && share > 0 && share < 0.8 {
		list = append(list, fmt.Sprintf("the machine never used more than %.0f %% of its memory limit", 100*share))
	}
	if len(list) == 0 && v.Outcome != trial.OK {
		list = append(list, "nothing that was looked at")
	}
	return list
}
