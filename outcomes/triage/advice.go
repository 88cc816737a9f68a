package triage

import (
	"fmt"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// counsel is what an outcome, or a cause of it, means, and what to try next.
type counsel struct {
	outcome trial.Outcome
	cause   trial.Cause // empty: any other cause
	means   string
	next    []string
}

var counsels = []counsel{
	{trial.OK, "", "Nothing failed.", nil},
	{trial.EngineCrash, trial.CauseOOM, "The kernel killed the engine because memory ran out.",
		[]string{"give the machine more memory, or build fewer images at once (strategy serial or 2+1)", "compare the peak in stratbench show with the limit"}},
	{trial.EngineCrash, trial.CauseDiskFull, "The machine's disk was full, and the engine ended because of it.",
		[]string{"free room on the disk, or give the store more", "read the last lines of the engine log in the trial's folder: they show where the engine gave up"}},
	{trial.EngineCrash, trial.CauseContainerd, "A part of the engine, containerd, ended. The engine starts it again, but the containers that it ran at that moment were lost.",
		[]string{"look in the kernel messages and in the engine's log for what ended containerd", "repeat the cell with --replicates to see how often it happens"}},
	{trial.EngineCrash, "", "The engine's process ended while the trial needed it. The errors of its clients are a consequence.",
		[]string{"read the engine log in the trial's folder to its end", "repeat the cell with the strategies serial and parallel, to see whether load causes it", "try another version of the engine (settings.engine)"}},
	{trial.EngineHang, trial.CauseStopped, "The engine's process was stopped by a signal and does not answer.",
		[]string{"find out what sent SIGSTOP or SIGTSTP; the engine itself is not to blame"}},
	{trial.EngineHang, trial.CauseIdle, "The engine's API answers, but no process works on the build, and it printed nothing until the limit on silence: probably a lock that is never released.",
		[]string{"repeat with strategy serial: a hang that only parallel builds show is a race in the engine", "raise limits.silence.build once, to rule out that it was merely slow"}},
	{trial.EngineHang, "", "The engine's process lives, but its API does not answer.",
		[]string{"read the engine log in the trial's folder to its end", "repeat with strategy serial, to see whether load causes it"}},
	{trial.HostExhausted, trial.CauseMemoryThrashing, "The machine did nothing but wait for memory: pages were dropped and read again. Nothing was killed, so no message reports it.",
		[]string{"give the machine more memory, or build fewer images at once", "run experiments/memory-frontier.yaml to find the least that works"}},
	{trial.HostExhausted, trial.CauseMemoryStarved, "The machine was short of memory, and everything in it waited for memory, including the engine and the cluster. Nothing else is wrong with them.",
		[]string{"give the machine more memory, or build fewer images at once", "run experiments/memory-frontier.yaml to find the least that works"}},
	{trial.HostExhausted, trial.CauseInotify, "The host has no inotify instances or watches left.",
		[]string{"raise fs.inotify.max_user_instances and fs.inotify.max_user_watches on the host"}},
	{trial.HostExhausted, "", "The machine ran out of memory, ports, processes or file handles.",
		[]string{"the line under log names it; raise that limit, or run less at once"}},
	{trial.BuildOOM, "", "The kernel killed a process of a build because memory ran out; the engine lives.",
		[]string{"give the machine more memory, or build fewer images at once", "limit the build's own parallelism, such as GOFLAGS=-p=1"}},
	{trial.BuildFailed, trial.CauseSilent, "A step of the build printed nothing until the limit on silence, while the engine answered and the step's processes lived. The cause is the step and not the engine.",
		[]string{"run the step by hand: does it wait for input, for a lock or for the network?", "if it is merely quiet, raise limits.silence.build"}},
	{trial.BuildFailed, trial.CauseLimit, "The builds made progress, but did not end within their limit.", []string{"raise limits.phase.build, or give the machine more processors or memory"}},
	{trial.BuildFailed, trial.CauseNoWayOut, "A step of the build downloads something, and the isolated machine has no network. Neither the Dockerfile nor the engine is to blame.",
		[]string{"settings.machine.network: host lets isolated machines reach what this host reaches; build.argsFromEnvironment hands on variables such as GOPROXY",
			"or put what is downloaded into the build's context, such as with go mod vendor, so that no trial waits for a network"}},
	{trial.BuildFailed, "oci-runtime", "The engine's OCI runtime (runc or crun) could not start the container of a step. Neither the Dockerfile nor the code is to blame.",
		[]string{"read the line in the trial's log: what it names, such as a mount or a control group, is what the runtime lacked",
			"repeat the cell with --replicates: if it comes and goes, try another version of the engine (settings.engine)"}},
	{trial.BuildFailed, "", "A step of the build failed. The engine did its work.",
		[]string{"read the lines above the error in the trial's log: the mistake is in the Dockerfile or the code", "the trial counts as a failure of the workload, not of the engine"}},
	{trial.Storage, trial.CauseDiskFull, "The machine's disk has no room left.",
		[]string{"free room on the disk, or give the store more", "make the images smaller, or give them fewer layers"}},
	{trial.Storage, "", "The engine's storage failed: a layer, its database or one of its locks.",
		[]string{"repeat with strategy serial: races over layers need two builds at once"}},
	{trial.PullFailed, trial.CauseNoWayOut, "An image had to be pulled, and the isolated machine has no network. No registry was asked.",
		[]string{"settings.machine.network: host lets isolated machines, and their clusters' nodes, reach what this host reaches",
			"or build the image in the workload, on one of the machine's own base images"}},
	{trial.PullFailed, trial.CauseDenied, "The registry wants a login. It got none, or one that it does not accept for this image.",
		[]string{"docker login HOST, or podman login HOST, as the user who runs stratbench; with sudo, that is root",
			"on an isolated machine, settings.machine.network: host is needed too: without it no login of the user's is there",
			"the nodes of a cluster pull without the user's logins: give their pods an imagePullSecret, or load the image"}},
	{trial.PullFailed, "", "An image could not be pulled from its registry. The engine is not to blame.",
		[]string{"pull the image by hand from the same network", "strategies that build need no registry for the workload's own images"}},
	{trial.ClusterCreateFailed, "", "Kind could not create the cluster.",
		[]string{"stratbench doctor checks what Kind needs of a host", "read the lines of the kubelet in the trial's log"}},
	{trial.ClusterHang, trial.CauseNodeEnded, "The container of a node ended while the cluster was in use.",
		[]string{"look for what killed it: OOM events, kernel messages, the engine's log"}},
	{trial.ClusterHang, trial.CauseAPIServer, "The node runs, but its Kubernetes API server does not answer.",
		[]string{"compare memory and I/O pressure with a good trial: etcd starves first", "clusterStart: before creates the cluster before the builds begin, so that they do not compete"}},
	{trial.ClusterHang, "", "The cluster did not become ready in time, although nothing in it failed.",
		[]string{"raise limits.phase.cluster once, to tell slow from stuck", "clusterStart: before creates the cluster before the builds begin"}},
	{trial.LoadFailed, "", "The images did not reach the node.", []string{"read the lines of the load in the trial's log", "load.together: false loads them one by one"}},
	{trial.DeployFailed, "", "The cluster is ready, but the workload did not become ready in it.",
		[]string{"the trial's log has the reasons that Kubernetes gives for each object that is not ready", "the trial counts as a failure of the workload"}},
	{trial.TestFailed, "", "The services were ready, but the suite failed.", []string{"stratbench show lists the tests that failed"}},
	{trial.SetupFailed, "", "The set-up command failed outside every phase that its marks show.",
		[]string{"read what it printed in the trial's log", "set setup.marks, or call stratbench mark, so that its phases are known"}},
	{trial.Cancelled, "", "The trial was told to stop.", []string{"continue with --resume"}},
	{trial.RunnerFault, trial.CauseWorkerLost, "stratbench's own worker ended. The trial shows nothing about the engine.",
		[]string{"continue with --resume; the trial is run again", "look in the kernel messages whether it was killed because the host's memory ran out"}},
	{trial.RunnerFault, trial.CauseTunnel, "The ssh connection to the engine's host broke or was refused. The trial shows nothing about the engine.",
		[]string{"continue with --resume; the trial is run again", "the log of the ssh server there says why; many connections at once are refused by its MaxStartups"}},
	{trial.RunnerFault, "", "stratbench could not measure. The trial shows nothing about the engine.", []string{"run stratbench doctor, then continue with --resume"}},
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

// against lists the observations that do not fit the verdict.
func against(r results.Record) []string {
	list := []string{}
	v := r.Verdict
	engine := v.Outcome == trial.EngineCrash || v.Outcome == trial.EngineHang
	for _, e := range r.Observed {
		switch {
		case e.Source == trial.SourceEngineAPI && e.State == trial.StateAnswers && engine && v.Cause != trial.CauseRestarted:
			list = append(list, "the engine's API answered when it was asked after the failure")
		case e.Source == trial.SourceEngineAPI && e.State == trial.StateHangs && !engine && v.Outcome != trial.HostExhausted:
			list = append(list, "the engine's API hung when it was asked after the failure: "+e.Text)
		case e.Source == trial.SourceEngineAPI && e.State == trial.StateSilent && !engine && v.Cause != trial.CauseTunnel:
			list = append(list, "the engine's API did not answer when it was asked after the failure: "+e.Text)
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
