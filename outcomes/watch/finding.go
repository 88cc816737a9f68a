package watch

import "github.com/stratbench/stratbench/internal/trial"

// Kind says what was found.
type Kind string

// The kinds of findings.
const (
	// EngineEnded: the engine's process has ended, or nothing listens any more
	// at the address of an engine that stratbench does not run.
	EngineEnded Kind = "engine ended"
	// EngineRestarted: a user's engine closed a connection that the watch kept
	// open, as an engine does that ends, however soon it is back.
	EngineRestarted Kind = "engine restarted"
	// EngineStopped: the engine's process was stopped (SIGSTOP).
	EngineStopped Kind = "engine stopped"
	// EngineSilent: the engine's process lives, and its API does not answer.
	EngineSilent Kind = "engine does not answer"
	// PartEnded and PartStopped: a process of the engine's own, such as
	// Docker's containerd, ended or was stopped.
	PartEnded   Kind = "part of the engine ended"
	PartStopped Kind = "part of the engine stopped"
	// Killed: the kernel killed a process for want of memory.
	Killed Kind = "killed for want of memory"
	// Thrashing: the machine does nothing but wait for memory.
	Thrashing Kind = "memory thrashing"
	// NodeEnded: the container of a cluster's node runs no more.
	NodeEnded Kind = "node ended"
	// KubernetesSilent: the cluster's API server does not say that it lives.
	KubernetesSilent Kind = "Kubernetes API does not answer"
	// Overdue: the trial has gone on past its limits without ending itself.
	Overdue Kind = "trial overdue"
)

// fatal says whether a trial cannot go on after a finding.
func (k Kind) fatal() bool {
	switch k {
	case EngineEnded, EngineStopped, EngineSilent, PartStopped, Thrashing, NodeEnded, KubernetesSilent, Overdue:
		return true
	}
	return false
}

// EndsByItself says whether a trial may be left alone for a moment after a
// finding, because its own clients notice soon and have something to say.
func (k Kind) EndsByItself() bool { return k == EngineEnded || k == NodeEnded }

// Finding is something that the watch saw.
type Finding struct {
	Kind Kind
	// Subject is whom it is about: the killed process, the node.
	Subject string
	// Text is what shows it.
	Text string
	// Group is the control group of a killed process below the machine's.
	Group string
	// At is when it was found, Since when it began, as far as is known.
	At, Since trial.Seconds
	// Phase is the phase that was under way.
	Phase trial.Phase
}

// Evidence is the finding as it stands in a record.
func (f Finding) Evidence() trial.Evidence {
	e := trial.Evidence{Source: f.Kind.source(), State: string(f.Kind), Text: f.Text, At: f.At, Rule: "watch"}
	if f.Subject != "" {
		e.State += ": " + f.Subject
	}
	return e
}

// source is what the finding is evidence of, in the words of the evidence
// table.
func (k Kind) source() string {
	switch k {
	case EngineEnded, EngineRestarted, EngineStopped, PartEnded, PartStopped:
		return "engine process"
	case EngineSilent:
		return "engine API"
	case Killed:
		return "OOM events"
	case Thrashing:
		return "memory and pressure"
	case NodeEnded:
		return "node container"
	case KubernetesSilent:
		return "Kubernetes API"
	}
	return "test process"
}
