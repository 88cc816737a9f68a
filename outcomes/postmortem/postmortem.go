// Package postmortem collects evidence from whatever still answers once a
// trial has failed. All probes run at once, each within a short deadline; one
// that hangs is itself evidence.
package postmortem

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/probe"
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
	// Elapsed is the trial's clock.
	Elapsed func() trial.Seconds
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
	// EngineAnswers says whether the engine's API answered.
	EngineAnswers bool
	// NodesKnown says whether the engine could be asked for the cluster's
	// nodes; Nodes are those.
	NodesKnown bool
	Nodes      []probe.Node
	// KubernetesAnswers says whether the API server said that it lives; it is
	// nil when there was none to ask.
	KubernetesAnswers *bool
	// DiskFull says that the machine's disk has no room left.
	DiskFull bool
	// InotifyExhausted says that the host has no inotify instance left.
	InotifyExhausted bool
}

// inside is what a machine of stratbench's own tells of itself.
type inside interface {
	EnginePID() int
	Root() string
	Processes() ([]isolated.Process, error)
	OOMKills() []isolated.OOMKill
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

// investigation is a look under way. Each probe returns what changes the
// report, so that one that comes too late changes nothing.
type investigation struct {
	Subject
	inside inside
	engine probe.Engine
}

type finding func(*Report)

// Look collects what there is to know. It takes a little longer than Deadline
// at most.
func Look(ctx context.Context, s Subject) Report {
	i := &investigation{Subject: s, engine: probe.Engine{Endpoint: s.Machine.WatchEndpoint()}}
	i.inside, _ = s.Machine.(inside)
	probes := []struct {
		source trial.Source
		look   func(context.Context) finding
	}{
		{trial.SourceEngine, i.engineProcess}, {trial.SourceEngineAPI, i.engineAPI}, {trial.SourceCluster, i.cluster},
		{trial.SourceMemory, i.memory}, {trial.SourceOOM, i.kills}, {trial.SourceDisk, i.disk}, {trial.SourceInotify, i.inotify},
		{trial.SourceKernel, i.kernel}, {trial.SourceEngineLog, i.engineLog}, {trial.SourceProcesses, i.processes},
	}
	var report Report
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, p := range probes {
		all.Go(func() {
			apply := within(ctx, p.source, p.look)
			mu.Lock()
			defer mu.Unlock()
			apply(&report)
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
func within(ctx context.Context, source trial.Source, look func(context.Context) finding) finding {
	ctx, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	done := make(chan finding, 1)
	go func() { done <- look(ctx) }()
	select {
	case f := <-done:
		return f
	case <-time.After(Deadline + 500*time.Millisecond):
		return row(source, trial.StateProbeHangs, fmt.Sprintf("no answer within %s", Deadline))
	}
}

// row is a finding that is a row of the table and nothing else.
func row(source trial.Source, state trial.State, text string) finding {
	return func(r *Report) { r.add(source, state, text) }
}

func (r *Report) add(source trial.Source, state trial.State, text string) {
	r.count(source, state, "", text)
}

// count adds a row whose state has a detail: how many, how much.
func (r *Report) count(source trial.Source, state trial.State, detail, text string) {
	r.Evidence = append(r.Evidence, trial.Evidence{Source: source, State: state, Detail: detail, Text: text, Rule: trial.RulePostMortem})
}
