package watch

import "github.com/stratbench/stratbench/internal/trial"

// Finding is something that the watch saw.
type Finding struct {
	State trial.State
	// Subject is the killed process, the part of the engine or the node that the finding
	// is about.
	Subject string
	// Cause is why the engine ended, if that is known.
	Cause trial.Cause
	// Text is the evidence in words.
	Text string
	// Process is the name of a killed process, and Group its control group below
	// the machine's.
	Process, Group string
	// At is when the watch found it, and Phase the phase that was under way.
	At    trial.Seconds
	Phase trial.Phase
}

// findings has each state that the watch can find, and what it is about. A fatal one ends
// the trial.
var findings = map[trial.State]struct {
	source trial.Source
	fatal  bool
}{
	trial.StateEngineEnded:      {trial.SourceEngine, true},
	trial.StateConnectionClosed: {trial.SourceEngine, false},
	trial.StateEngineStopped:    {trial.SourceEngine, true},
	trial.StatePartEnded:        {trial.SourceEngine, false},
	trial.StatePartStopped:      {trial.SourceEngine, true},
	trial.StateEngineSilent:     {trial.SourceEngineAPI, true},
	trial.StateKilled:           {trial.SourceOOM, false},
	trial.StateThrashing:        {trial.SourceMemory, true},
	trial.StateNodeEnded:        {trial.SourceNode, true},
	trial.StateKubernetesSilent: {trial.SourceKubernetes, true},
	trial.StateTunnelBroken:     {trial.SourceMachine, true},
	trial.StateOverdue:          {trial.SourceTest, true},
}

// EndsByItself reports whether the trial gets a moment to end by itself after the
// finding, because its own clients notice the loss and report more about it.
func (f Finding) EndsByItself() bool {
	return f.State == trial.StateEngineEnded || f.State == trial.StateNodeEnded
}

// Evidence is the finding as a record holds it.
func (f Finding) Evidence() trial.Evidence {
	return trial.Evidence{Source: findings[f.State].source, State: f.State, Detail: f.Subject, Text: f.Text, At: f.At, Rule: trial.RuleWatch}
}
