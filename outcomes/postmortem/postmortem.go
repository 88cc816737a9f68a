// Package postmortem collects evidence from whatever still answers once a
// trial has failed. All probes run at once, each within a short deadline; a probe
// that hangs is evidence, too.
package postmortem

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/probe"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

// Deadline is how long a single probe may take.
const Deadline = 2 * time.Second

// Subject is what is looked at.
type Subject struct {
	Machine machine.Machine
	Cluster string
	// Began is when the trial began, for the kernel's log.
	Began time.Time
	// MemoryLimit is that of the machine; 0 is none.
	MemoryLimit trial.Bytes
	// Samples are those of the trial.
	Samples []trial.Sample
}

// Report is what the probes found.
type Report struct {
	// Evidence is a row for each thing looked at, in the order of the evidence
	// table.
	Evidence []trial.Evidence
	// Nodes are the cluster's, if the engine could be asked for them.
	Nodes []probe.Node
}

// Saw reports whether a source was in one of the states.
func (r Report) Saw(source trial.Source, states ...trial.State) bool {
	return slices.ContainsFunc(r.Evidence, func(e trial.Evidence) bool { return e.Source == source && slices.Contains(states, e.State) })
}

// investigation is a look under way. Each probe returns its part of the report,
// so that one that comes too late changes nothing.
type investigation struct {
	Subject
	inside *isolated.Machine // nil for an engine of the user's
	engine runtimes.Endpoint
}

// Look collects what there is to know. It takes a little longer than Deadline
// at most.
func Look(ctx context.Context, s Subject) (report Report) {
	i := &investigation{Subject: s, engine: s.Machine.WatchEndpoint()}
	i.inside, _ = s.Machine.(*isolated.Machine)
	probes := []struct {
		source trial.Source // of the rows that name no other
		look   func(context.Context) Report
	}{
		{trial.SourceEngine, i.engineProcess}, {trial.SourceEngineAPI, i.engineAPI}, {trial.SourceEngineLog, i.engineLog},
		{trial.SourceCluster, i.cluster}, {trial.SourceMemory, i.memory}, {trial.SourceOOM, i.kills}, {trial.SourceDisk, i.disk},
		{trial.SourceInotify, i.inotify}, {trial.SourceKernel, i.kernel}, {trial.SourceProcesses, i.processes},
	}
	found := make([]Report, len(probes))
	var all sync.WaitGroup
	for n, p := range probes {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, Deadline)
			defer cancel()
			done := make(chan Report, 1)
			go func() { done <- p.look(ctx) }()
			select {
			case found[n] = <-done:
			case <-time.After(Deadline + 500*time.Millisecond): // a probe that does not keep its deadline is left behind
				found[n] = only(trial.StateProbeHangs, fmt.Sprintf("no answer within %s", Deadline))
			}
		})
	}
	all.Wait()
	for n, part := range found {
		for _, e := range part.Evidence {
			e.Source, e.Rule = cmp.Or(e.Source, probes[n].source), trial.RulePostMortem
			report.Evidence = append(report.Evidence, e)
		}
		report.Nodes = append(report.Nodes, part.Nodes...)
	}
	return report
}

// only is a report of one row.
func only(state trial.State, text string) Report { return measured(state, "", text) }

// measured is a report of one row whose state has a detail: how many, or how much.
func measured(state trial.State, detail, text string) Report {
	return Report{Evidence: []trial.Evidence{{State: state, Detail: detail, Text: text}}}
}
