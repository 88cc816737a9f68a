package watch

import "github.com/stratbench/stratbench/internal/trial"

// Finding is something that the watch saw.
type Finding struct {
	State trial.State
	// Subject is what it is about: the killed process, the node.
	Subject string
	// Cause is why an engine ended, where that is known.
	Cause trial.Cause
	// Text is what shows it.
	Text string
	// Process is the name of a killed process, and Group its control group below
	// the machine's.
	Process, Group string
	// At is when it was found, Since when it began, as far as is known.
	At, Since trial.Seconds
	// Phase is the phase that was under way.
	Phase trial.Phase
}

// findings are the states that the watch can find, each with its source and
// whether it ends the trial.
var findings = map[trial.State]struct {
	source trial.Source
	fatal  bool
}{
	trial.StateEngineEnded:      {trial.SourceEngine, true},
	trial.StateEngineRestarted:  {trial.SourceEngine, false},
	trial.StateEngineStopped:    {trial.SourceEngine, true},
	trial.StatePartEnded:        {trial.SourceEngine, false},
	trial.StatePartStopped:      {trial.SourceEngine, true},
	trial.StateEngineSilent:     {trial.SourceEngineAPI, true},
	trial.StateKilled:           {trial.SourceOOM, false},
	trial.StateThrashing:        {trial.SourceMemory, true},
	trial.StateNodeEnded:        {trial.SourceNode, true},
	trial.StateKubernetesSilent: {trial.SourceKubernetes, true},
	trial.StateOverdue:          {trial.SourceTest, true},
}

// EndsByItself reports whether the trial gets a moment to end by itself after the
// finding, because its own clients will notice and report more.
func (f Finding) EndsByItself() bool {
	return f.State == trial.StateEngineEnded || f.State == trial.StateNodeEnded
}

// Evidence is the finding as a record holds it.
func (f Finding) Evidence() trial.Evidence {
	return trial.Evidence{Source: findings[f.State].source, State: f.State, Detail: f.Subject, Text: f.Text, At: f.At, Rule: trial.RuleWatch}
}
