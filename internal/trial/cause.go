package trial

import (
	"strconv"
	"strings"
)

// Cause is why a trial ended as it did, read together with its outcome.
type Cause string

// The causes that code decides on or advises about. The classification rules
// conclude further ones.
const (
	CauseOOM               Cause = "oom"
	CauseDiskFull          Cause = "disk-full"
	CauseMemoryThrashing   Cause = "memory-thrashing"
	CauseMemoryStarved     Cause = "memory-starved"
	CauseInotify           Cause = "inotify"
	CauseNoWayOut          Cause = "no-way-out"
	CauseGone              Cause = "gone"
	CauseRestarted         Cause = "restarted"
	CauseStopped           Cause = "stopped"
	CauseNoAnswer          Cause = "no-answer"
	CauseIdle              Cause = "idle"
	CauseConnectionRefused Cause = "connection-refused"
	CauseContainerd        Cause = "containerd"
	CauseNodeEnded         Cause = "node-ended"
	CauseAPIServer         Cause = "apiserver"
	CauseLimit             Cause = "limit"
	CauseSilent            Cause = "silent"
	CauseUnclear           Cause = "unclear"
	CauseNotMeasured       Cause = "not-measured"
	CauseLostInput         Cause = "lost-input"
	CauseTunnel            Cause = "machine-tunnel"
	CauseWorkerLost        Cause = "worker-lost"
	CauseWorkerHung        Cause = "worker-hung"
	CauseSignal            Cause = "signal"
	CauseSIGKILL           Cause = "sigkill"
	CauseSIGTERM           Cause = "sigterm"
	CauseSIGSEGV           Cause = "sigsegv"
	CauseSIGABRT           Cause = "sigabrt"
	CauseSIGINT            Cause = "sigint"
	CauseSIGQUIT           Cause = "sigquit"
	CauseSIGHUP            Cause = "sighup"
	CauseTimeout           Cause = "timeout"
	CauseSilence           Cause = "silence"
	CauseDenied            Cause = "denied"
	CauseTests             Cause = "tests"
	CauseBuild             Cause = "build"
	CausePanic             Cause = "panic"
	CauseSuiteTimeout      Cause = "suite-timeout"
	CauseInterrupted       Cause = "interrupted"
	CauseSetup             Cause = "setup"
	CauseExitCode          Cause = "exit-code"
	CauseTruncated         Cause = "truncated"
	// CauseUnknown: something failed, and nothing says why.
	CauseUnknown   Cause = "unknown"
	CauseNoResults Cause = "no-results"
)

// causes has the text of every Cause but ExitStatus.
var causes = map[Cause]string{
	CauseOOM:               "The kernel killed a process because memory ran out.",
	CauseDiskFull:          "The disk had no room left.",
	CauseMemoryThrashing:   "The machine did nothing but wait for memory.",
	CauseMemoryStarved:     "Processes waited for memory for much of the time.",
	CauseInotify:           "The user's inotify instances or watches were used up.",
	CauseNoWayOut:          "Something had to be fetched, and the isolated machine reaches nothing outside of it.",
	CauseGone:              "The process ended, and how is not known.",
	CauseRestarted:         "The engine was restarted while the trial needed it.",
	CauseStopped:           "A signal stopped the process.",
	CauseNoAnswer:          "The process lived, and its API did not answer.",
	CauseIdle:              "The engine answered, and nothing worked on the build.",
	CauseConnectionRefused: "Nothing listened at the address any more.",
	CauseContainerd:        "The engine's containerd was gone or refused connections.",
	CauseNodeEnded:         "The container of the cluster's node ended.",
	CauseAPIServer:         "The cluster's API server did not answer.",
	CauseLimit:             "The phase was not done within its limit.",
	CauseSilent:            "The phase said nothing for as long as the limit on silence.",
	CauseUnclear:           "The log blames what the watch saw alive, so the reason is not known.",
	CauseNotMeasured:       "stratbench could not measure the trial.",
	CauseLostInput:         "Nothing could be written to a node through podman's remote client.",
	CauseTunnel:            "The SSH tunnel to the engine's machine broke or was refused.",
	CauseWorkerLost:        "stratbench's worker ended without a result.",
	CauseWorkerHung:        "stratbench's worker did not end at its limits.",
	CauseSignal:            "Somebody or something told the command to stop.",
	CauseSIGKILL:           "SIGKILL ended the process.",
	CauseSIGTERM:           "SIGTERM ended the process.",
	CauseSIGSEGV:           "SIGSEGV ended the process, which read or wrote memory that it does not own.",
	CauseSIGABRT:           "The process aborted itself.",
	CauseSIGINT:            "SIGINT ended the process.",
	CauseSIGQUIT:           "SIGQUIT ended the process.",
	CauseSIGHUP:            "SIGHUP ended the process.",
	CauseTimeout:           "A time limit ended a request or a command.",
	CauseSilence:           "The log ends without a statement of failure or success.",
	CauseDenied:            "The registry refused without a login that it accepts.",
	CauseTests:             "Tests failed.",
	CauseBuild:             "A package or a suite of tests does not compile.",
	CausePanic:             "A program died of a panic or a fatal error.",
	CauseSuiteTimeout:      "A time limit of the suite, or of what ran it, ended it.",
	CauseInterrupted:       "Somebody ended the suite.",
	CauseSetup:             "The suite failed outside of its tests.",
	CauseExitCode:          "The command failed, and its report does not say why.",
	CauseTruncated:         "The report ends early.",
	CauseNoResults:         "There are no test results.",
	"5xx":                  "The registry or its token service answered with a server error.",
	"api-version":          "The engine refused a client that speaks another version of its API.",
	"archive":              "The engine could not write the image into an archive.",
	"assertion":            "An assertion did not hold.",
	"backend":              "A part of Docker Desktop, or of a similar product, failed.",
	"bad-mount":            "A host path that the node mounts is not there or may not be mounted.",
	"buildkitd":            "The container that runs BuildKit stopped.",
	"cgroup":               "The host's control groups are not as the node needs them.",
	"cgroups":              "The kernel refused new control groups.",
	"ci-image":             "The image in which a CI job runs could not be had.",
	"ci-step":              "A CI service reports that a step of the job failed.",
	"command":              "A build step calls a program that is not in the image.",
	"commit":               "Files of a layer changed or vanished while it was committed.",
	"compile":              "The compiler rejected the code.",
	"config":               "Kind could not read its configuration or options.",
	"conmon":               "The monitor process of a container ended before the container did.",
	"connection":           "A connection broke off, or nothing listened where it should.",
	"connection-lost":      "The connection to the engine was cut while it worked.",
	"container-start":      "A container could not be created or started.",
	"containerd-image":     "containerd could not start a container from the image.",
	"context":              "A file that the build copies is not in the build's context.",
	"control-plane":        "A part of the control plane ended again and again.",
	"corrupt":              "The store does not hold what was written.",
	"crashloop":            "The program in a pod ended again and again.",
	"daemon-down":          "No engine listened on its socket.",
	"daemon-start":         "The engine could not start.",
	"data-race":            "The race detector found a data race.",
	"db-lock":              "Another process held the lock on the engine's database or store.",
	"dbus":                 "The user's message bus took no more connections.",
	"deadlock":             "Everything waited for a lock.",
	"dependency":           "A dependency of the code could not be found or resolved.",
	"died":                 "The engine, its machine or a helper of it ended.",
	"disk":                 "A node ran out of disk.",
	"dns":                  "The registry's name did not resolve.",
	"dockerfile":           "The Dockerfile could not be found, parsed or used.",
	"down":                 "The engine was not there.",
	"driver":               "The store cannot work with its driver, options or file system.",
	"emulation":            "The emulation of another processor crashed.",
	"etcd":                 "etcd was too slow: its disk or processor was starved.",
	"exec-format":          "A program for another processor was started.",
	"heap":                 "A language runtime ran out of its own heap.",
	"http-vs-https":        "The registry speaks plain HTTP where HTTPS was expected.",
	"image-never-pull":     "The pod may only use an image of the node, and it is not there.",
	"image-pull":           "The kubelet could not pull an image.",
	"import":               "Kind could not import an image into a node.",
	"io-stall":             "A process of the engine waited for the disk for minutes.",
	"ip-pool":              "The engine had no range of addresses left.",
	"ipc":                  "The kernel had no semaphores or shared memory left.",
	"k3d":                  "k3d gave up the cluster.",
	"keyring-quota":        "The user's kernel keyrings were used up.",
	"kind":                 "Kind, or a similar tool, gave up the cluster.",
	"kind-step":            "A step of Kind after the control plane failed.",
	"kubeadm":              "kubeadm could not bring up or join the control plane.",
	"kubeconfig":           "A client of Kubernetes has no usable configuration.",
	"kubeconfig-lock":      "Another process held the lock on the kubeconfig.",
	"layer-race":           "Another process removed or replaced a layer or an image in use.",
	"locks":                "Podman's locks were used up.",
	"machine-down":         "The engine's virtual machine refused connections.",
	"memory":               "The kernel refused memory.",
	"missing-digest":       "The image's content was not in the engine's store.",
	"mount":                "A volume of a pod could not be mounted.",
	"namespaces":           "The kernel allowed no further user namespaces or ranges of ids.",
	"network":              "A download failed, or a network could not be made.",
	"network-tables":       "A table or buffer of the kernel's network was full.",
	"no-cluster":           "The cluster to load into does not exist.",
	"no-output":            "The log ends in the middle of the work.",
	"no-progress":          "BuildKit reported no progress for ten minutes or more.",
	"node":                 "A node was not ready or stopped reporting.",
	"node-boot":            "The node's init system could not start one of its units.",
	"node-capacity":        "The node had no room for a pod.",
	"node-died":            "The container that is the node stopped.",
	"not-found":            "The image or the tag does not exist in the registry.",
	"not-present":          "The image to load is not in the engine's store.",
	"not-running":          "A pod was not running.",
	"oci-runtime":          "The OCI runtime could not start a container.",
	"open-files":           "File handles were used up.",
	"overlay":              "A directory or mount of the layer store was gone, busy or not supported.",
	"permission":           "A build step may not read or write what it needs.",
	"pids":                 "The kernel refused new processes or threads.",
	"platform":             "The image is there, and not for the platform that is wanted.",
	"pod-failed":           "The program in a pod gave up.",
	"ports":                "A port was taken, or none was free.",
	"process-lost":         "A process of a parallel test run ended without a word.",
	"rate-limit":           "The registry refuses further pulls for now.",
	"read-only":            "What the engine or the build writes to became read-only.",
	"readiness-timeout":    "A workload was not ready when the wait for it ended.",
	"registry":             "A copy from a registry could not begin or end.",
	"rejected":             "The API server rejected an object.",
	"runner-lost":          "The CI service lost its runner.",
	"sandbox":              "The host does not let the engine isolate a build step.",
	"scheduling":           "No node accepted the pod.",
	"service-died":         "The init system saw the engine's service end.",
	"service-down":         "A service that others depend on was not there.",
	"session":              "BuildKit waited for a client that did not answer.",
	"shutdown":             "The engine shut down.",
	"snapshot-race":        "The snapshot or content that a layer builds upon is gone.",
	"solve":                "BuildKit gave up the build, and its reason is not in the log.",
	"stale-name":           "A cluster or container of that name was left behind.",
	"stale-runtime-state":  "The machine was restarted under Podman's containers.",
	"start":                "The start of the engine or of a service did not end well.",
	"step":                 "A step failed for a reason of its own.",
	"store":                "The engine's store could not be opened, or does not fit together.",
	"test":                 "A test program counts failures.",
	"test-program":         "A program that runs tests could not begin, or not go on.",
	"tls":                  "The registry's certificate was not accepted.",
	"tool":                 "A build tool or package manager reports the failure of its work.",
	"unkillable":           "The engine killed a container and never saw it end.",
	CauseUnknown:           "Something failed, and the log gives no reason.",
	"unpack":               "A layer could not be unpacked into the store.",
	"unresponsive":         "The engine, or a part of it, did not answer.",
	"user":                 "A user or group that the image names is not in it.",
	"validation":           "kubectl could not check a manifest against the API server's schemas.",
	"vm":                   "The virtual machine that holds the engine ended or never came up.",
}

const exitStatus = "exit-status-"

// ExitStatus is the cause of a process that ended with the exit status n.
func ExitStatus(n int) Cause { return Cause(exitStatus + strconv.Itoa(n)) }

// IsExitStatus reports whether the process ended by itself, with a status.
func (c Cause) IsExitStatus() bool { return strings.HasPrefix(string(c), exitStatus) }

// Text is the cause as a sentence. Known is false for a cause of a user's own
// rules or of another version.
func (c Cause) Text() (text string, known bool) {
	if n, is := strings.CutPrefix(string(c), exitStatus); is {
		if _, err := strconv.Atoi(n); err == nil {
			return "The process ended with the exit status " + n + ".", true
		}
	}
	text, known = causes[c]
	return text, known
}

// Exit is how a process ended.
type Exit struct {
	Cause Cause `json:"cause"`
	// Text is the same in words: "signal: killed".
	Text string `json:"text"`
}
