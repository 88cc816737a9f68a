package history

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
)

// headerOf describes a run by what was written once, when it began: a run that
// was resumed and has grown keeps its header.
func headerOf(run results.Run) Header {
	env := run.Environment
	h := Header{Kind: KindHeader, Schema: Schema, Run: identity(env), RunID: env.RunID, Experiment: Experiment(env.RunID, env.States),
		Environment: env, Cells: run.Plan.Cells}
	for _, t := range run.Plan.Trials {
		if !t.WarmUp {
			h.Planned++
		}
	}
	return h
}

// Experiment is the name of the experiment that a run's id carries behind the
// time at which it began. A run that compares states of an experiment is one
// of that experiment.
func Experiment(runID string, states []results.State) string {
	parts := strings.SplitN(runID, "-", 3)
	if len(parts) < 3 {
		return runID
	}
	if len(states) > 0 {
		return strings.TrimSuffix(parts[2], confirmSuffix)
	}
	return parts[2]
}

// confirmSuffix ends the names of runs that compare states.
const confirmSuffix = "-confirm"

func identity(env results.Environment) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%d\n%s", env.RunID, env.HostID, env.Started.UTC().Format(time.RFC3339Nano), env.Seed, env.SpecHash))
	return hex.EncodeToString(sum[:6])
}

// trialOf is the compact form of a record; cell is the place of its cell.
func trialOf(run string, cell int, r results.Record) Trial {
	t := Trial{Kind: KindTrial, Run: run, ID: r.Trial.ID, Attempt: r.Attempt, Started: r.Started.UTC(),
		Cell: cell, Block: r.Trial.Block, Position: r.Trial.Position, WarmUp: r.Trial.WarmUp,
		Outcome: r.Verdict.Outcome, Phase: r.Verdict.Phase, TimedOut: r.Verdict.TimedOut,
		Elapsed: rounded(r.Elapsed), Phases: phasesOf(r.Spans), Builds: buildsOf(r), Tests: testsOf(r),
		Runtime: r.Machine.Runtime, Engine: r.Machine.EngineVersion, NodeImage: r.Machine.NodeImage, Memory: r.Machine.Room(), CPUs: r.Machine.CPUs,
		Machine: describe(r.Machine), Load: loadOf(r.Load), Simulated: r.Simulated}
	if r.Setup != nil {
		t.Setup = rounded(*r.Setup)
	}
	if r.Fault != nil {
		t.Fault = r.Fault.Name
	}
	t.PeakMemory, _ = study.PeakMemory(&r)
	return t
}

// referenceOf is the compact form of a reference workload; its settings say
// what was done.
func referenceOf(run string, r results.Record) Reference {
	job := sha256.Sum256(r.Settings)
	return Reference{Kind: KindReference, Run: run, ID: r.Trial.ID, Attempt: r.Attempt, Started: r.Started.UTC(), Block: r.Trial.Block,
		Job: hex.EncodeToString(job[:6]), Elapsed: rounded(r.Elapsed), Simulated: r.Simulated}
}

// rounded drops what no clock of a trial can tell, and makes lines short.
func rounded(s trial.Seconds) trial.Seconds {
	return trial.Seconds(s.Duration().Round(100 * time.Microsecond))
}

func describe(m results.Machine) string {
	var parts []string
	for _, p := range []string{m.Kind, m.Builder, m.StorageDriver} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}

func phasesOf(spans []trial.Span) (p Phases) {
	for _, s := range spans {
		if at := p.field(s.Phase); at != nil && ended(s) && s.Image == "" && s.Name == string(s.Phase) {
			*at = rounded(s.Length())
		}
	}
	return p
}

// buildsOf joins the images that were recorded with the spans of their builds.
func buildsOf(r results.Record) (builds []Build) {
	of := func(image string) *Build {
		for i := range builds {
			if builds[i].Image == image {
				return &builds[i]
			}
		}
		builds = append(builds, Build{Image: image})
		return &builds[len(builds)-1]
	}
	for _, i := range r.Images {
		b := of(i.Name)
		b.ID, b.Size = shortID(i.ID), i.Size
	}
	for _, s := range r.Spans {
		if s.Phase == trial.PhaseBuild && s.Image != "" && s.Step == "" && ended(s) {
			of(s.Image).Length = rounded(s.Length())
		}
	}
	return builds
}

// ended is true for a span that came to its own end.
func ended(s trial.Span) bool { return s.Error == "" && !s.Unfinished }

func shortID(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(12, len(id))]
}

func testsOf(r results.Record) *Tests {
	if len(r.Tests) == 0 {
		return nil
	}
	var t Tests
	for _, one := range r.Tests {
		switch {
		case one.Status == trial.TestPass:
			t.Passed++
		case one.Status == trial.TestFail:
			t.Failed++
			if one.Known {
				t.Known++
			}
		}
	}
	return &t
}

func loadOf(l results.Load) Load {
	p := l.Pressure
	return Load{Load1: l.Load1, CPUSome: p.CPUSome, MemorySome: p.MemorySome, IOSome: p.IOSome, HasPressure: p.Known,
		CPU: rounded(l.CPU), Steal: rounded(l.Steal)}
}
