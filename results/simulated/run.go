// Package simulated makes runs of records that no engine produced, for tests,
// benchmarks and calibrations of the analysis. Every record is marked so.
package simulated

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// Arm is one cell and how its trials go.
type Arm struct {
	Cell trial.Cell
	// Median setup time in seconds, the standard deviation of its log, and the
	// probability of a crash.
	Median, Spread, Crash float64
	// Lost and Recovery are what a crash costs, in seconds.
	Lost, Recovery float64
	// Failures are the outcomes of its crashes in turn; none is engine-crash.
	Failures []trial.Outcome
	// Stages are the builds of images in the phase build; none shows none.
	Stages []Stage
}

// Run makes a run of whole blocks in random order.
func Run(arms []Arm, blocks int, seed uint64) results.Run {
	random := rand.New(rand.NewPCG(seed, 1))
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	run := results.Run{Dir: "simulated", Environment: results.Environment{Schema: results.Schema, RunID: "simulated", Started: start, Seed: seed}}
	for _, a := range arms {
		run.Plan.Cells = append(run.Plan.Cells, a.Cell)
	}
	var previous *results.Previous
	for block := 1; block <= blocks; block++ {
		for _, i := range random.Perm(len(arms)) {
			r := arms[i].record(random, len(run.Records)+1, block)
			r.Started, r.Previous = start, previous
			start = start.Add(r.Elapsed.Duration())
			previous = &results.Previous{ID: r.Trial.ID, Cell: r.Trial.Cell.Key(), Outcome: r.Verdict.Outcome}
			run.Records = append(run.Records, r)
			run.Plan.Trials = append(run.Plan.Trials, r.Trial)
		}
	}
	return run
}

func (a Arm) record(random *rand.Rand, position, block int) results.Record {
	r := results.Record{Schema: results.Schema, RunID: "simulated", Kind: results.KindTrial, Attempt: 1, Simulated: true,
		Settings: []byte("{}"), Spans: []trial.Span{}, Samples: []trial.Sample{}, Tests: []trial.TestResult{}, Images: []results.Image{},
		Trial:   trial.Trial{ID: fmt.Sprintf("t%03d", position), Cell: a.Cell, Block: block, Replicate: block, Position: position},
		Machine: results.Machine{Kind: "simulated", CPUs: 2}}
	if random.Float64() < a.Crash {
		lost := a.Lost * math.Exp(0.3*random.NormFloat64())
		r.Verdict = trial.Verdict{Outcome: trial.EngineCrash, Phase: trial.PhaseBuild, Confidence: 1}
		if len(a.Failures) > 0 {
			r.Verdict.Outcome = a.Failures[block%len(a.Failures)]
		}
		r.Elapsed = seconds(lost + a.Recovery)
		r.Spans = append(r.Spans, trial.Span{Name: "recovery", Start: seconds(lost), End: r.Elapsed})
		return r
	}
	setup := seconds(a.Median * math.Exp(a.Spread*random.NormFloat64()))
	r.Verdict = trial.Verdict{Outcome: trial.OK, Confidence: 1}
	r.Setup, r.Elapsed = &setup, setup
	r.Spans = phases(setup)
	if len(a.Stages) > 0 {
		r.Spans = append(r.Spans, builds(a.Stages, r.Spans[1], position)...)
	}
	return r
}

// phases splits a setup time in the proportions of the shipped workload.
func phases(setup trial.Seconds) (spans []trial.Span) {
	shares := []struct {
		phase trial.Phase
		until float64
	}{{trial.PhaseCluster, 0.3}, {trial.PhaseBuild, 0.8}, {trial.PhaseLoad, 0.9}, {trial.PhaseDeploy, 1}}
	start := trial.Seconds(0)
	for _, s := range shares {
		end := trial.Seconds(s.until * float64(setup))
		spans = append(spans, trial.Span{Name: string(s.phase), Phase: s.phase, Start: start, End: end})
		start = end
	}
	return spans
}

func seconds(s float64) trial.Seconds { return trial.Seconds(s * 1e9) }
