// Package postmortem collects evidence from whatever still answers once a
// trial has failed. All probes run at once, each within a short deadline; a probe
// that hangs is evidence, too.
package postmortem

import (
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
	// EngineAnswers is true if the engine's API answered.
	EngineAnswers bool
	// Nodes are the cluster's, if the engine could be asked for them.
	Nodes []probe.Node
	// KubernetesAnswers reports whether the API server answered that it lives; it
	// is nil when there was none to ask.
	KubernetesAnswers *bool
	// DiskFull is true if the machine's disk has no room left.
	DiskFull bool
	// InotifyExhausted is true if the host has no inotify instance left.
	InotifyExhausted bool
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
	var mu sync.Mutex
	var all sync.WaitGroup
	for source, look := range map[trial.Source]func(context.Context) Report{
		trial.SourceEngine: i.engineProcess, trial.SourceEngineAPI: i.engineAPI, trial.SourceCluster: i.cluster,
		trial.SourceMemory: i.memory, trial.SourceOOM: i.kills, trial.SourceDisk: i.disk, trial.SourceInotify: i.inotify,
		trial.SourceKernel: i.kernel, trial.SourceEngineLog: i.engineLog, trial.SourceProcesses: i.processes,
	} {
		all.Go(func() {
			found := within(ctx, source, look)
			mu.Lock()
			defer mu.Unlock()
			report.Evidence = append(report.Evidence, found.Evidence...)
			report.EngineAnswers = report.EngineAnswers || found.EngineAnswers
			report.Nodes = append(report.Nodes, found.Nodes...)
			if found.KubernetesAnswers != nil {
				report.KubernetesAnswers = found.KubernetesAnswers
			}
			report.DiskFull = report.DiskFull || found.DiskFull
			report.InotifyExhausted = report.InotifyExhausted || found.InotifyExhausted
		})
	}
	all.Wait()
	order := trial.Sources()
	slices.SortStableFunc(report.Evidence, func(a, b trial.Evidence) int {
		return slices.Index(order, a.Source) - slices.Index(order, b.Source)
	})
	return report
}

// within gives a probe its deadline. One that does not keep it is left behind.
func within(ctx context.Context, source trial.Source, look func(context.Context) Report) Report {
	ctx, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	done := make(chan Report, 1)
	go func() { done <- look(ctx) }()
	select {
	case found := <-done:
		return found
	case <-time.After(Deadline + 500*time.Millisecond):
		return only(source, trial.StateProbeHangs, "", fmt.Sprintf("no answer within %s", Deadline))
	}
}

// only is a report of one row. The detail of a state is how many, or how much.
func only(source trial.Source, state trial.State, detail, text string) Report {
	return Report{Evidence: []trial.Evidence{row(source, state, detail, text)}}
}

func row(source trial.Source, state trial.State, detail, text string) trial.Evidence {
	return trial.Evidence{Source: source, State: state, Detail: detail, Text: text, Rule: trial.RulePostMortem}
}
