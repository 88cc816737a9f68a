// Package simulated makes runs of records that no engine produced, for tests,
// benchmarks and calibrations of the analysis. Every record is marked so.
package simulated

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// Arm is one cell and how its trials go.
type Arm struct {
	Cell trial.Cell
	// Median is that of the setup time in seconds, Spread the standard deviation of
	// its log, Crash the probability of a crash.
	Median, Spread, Crash float64
	// Lost and Recovery are what a crash costs, in seconds.
	Lost, Recovery float64
	// Failures are the outcomes of its crashes in turn; without any it is engine-crash.
	Failures []trial.Outcome
}

// Matrix is a made-up world for tests and examples: two runtimes, three memory limits and four
// strategies, in which Podman dies under little memory and under concurrency.
func Matrix() (arms []Arm) {
	strategies := []struct {
		name          string
		median, crash float64
	}{{"serial", 1020, 0.1}, {"2+1", 840, 0.25}, {"parallel", 690, 0.5}, {"registry", 330, 0.02}}
	scarce := map[string]float64{"3GiB": 0.5, "7GiB": 0.2, "12.5GiB": 0.05}
	for _, runtime := range []string{"podman", "docker"} {
		for _, memory := range []string{"3GiB", "7GiB", "12.5GiB"} {
			for _, s := range strategies {
				crash := s.crash + scarce[memory]
				if runtime == "docker" {
					crash /= 8
				}
				arms = append(arms, Arm{
					Cell:   trial.Cell{{Factor: "runtime", Level: runtime}, {Factor: "memory", Level: memory}, {Factor: "strategy", Level: s.name}},
					Median: s.median, Spread: 0.08, Crash: crash, Lost: 0.6 * s.median, Recovery: 180,
					Failures: []trial.Outcome{trial.EngineCrash, trial.EngineCrash, trial.EngineHang, trial.BuildOOM},
				})
			}
		}
	}
	return arms
}

// Run makes a run of whole blocks in random order.
func Run(arms []Arm, blocks int, seed uint64) results.Run {
	random := rand.New(rand.NewPCG(seed, 1))
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	run := results.Run{Dir: "simulated", Environment: results.Environment{Schema: results.Schema, RunID: "simulated", Started: start, Seed: seed}}
	for _, a := range arms {
		run.Plan.Cells = append(run.Plan.Cells, a.Cell)
	}
	for block := 1; block <= blocks; block++ {
		for _, i := range random.Perm(len(arms)) {
			r := arms[i].record(random, len(run.Records)+1, block)
			r.Started, start = start, start.Add(r.Elapsed.Duration())
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
	start := trial.Seconds(0)
	for _, s := range []struct { // in the proportions of the shipped workload
		phase trial.Phase
		until float64
	}{{trial.PhaseCluster, 0.3}, {trial.PhaseBuild, 0.8}, {trial.PhaseLoad, 0.9}, {trial.PhaseDeploy, 1}} {
		end := trial.Seconds(s.until * float64(setup))
		r.Spans = append(r.Spans, trial.Span{Name: string(s.phase), Phase: s.phase, Start: start, End: end})
		start = end
	}
	strategy, _ := a.Cell.Level("strategy")
	phase := r.Spans[1]
	for i, at := range built[strategy] { // trials differ by a few percent
		varied := 1 - 0.03*math.Abs(math.Sin(float64(7*position+i)))
		start, length := at[0]*float64(phase.Length()), (at[1]-at[0])*float64(phase.Length())
		r.Spans = append(r.Spans, buildSpan([]string{"datastore", "analysis", "controller"}[i], phase.Start+trial.Seconds(start), trial.Seconds(varied*length)))
	}
	return r
}

// built is when each of three images is built, as shares of the phase. Alone they take
// 0.2, 0.5 and 0.3 of it; together they take longer.
var built = map[string][][2]float64{
	"serial":   {{0, 0.2}, {0.2, 0.7}, {0.7, 1}},
	"2+1":      {{0, 0.25}, {0.375, 1}, {0, 0.375}},
	"parallel": {{0, 0.4}, {0, 1}, {0, 0.6}},
}

func buildSpan(image string, start, length trial.Seconds) trial.Span {
	return trial.Span{Name: "build " + image, Phase: trial.PhaseBuild, Image: image, Start: start, End: start + length}
}

func seconds(s float64) trial.Seconds { return trial.Seconds(s * 1e9) }

// Night is a made-up world in one night.
type Night struct {
	Arms   []Arm
	Blocks int
	// Slow multiplies all times, those of the reference workload too.
	Slow float64
	// Memory is the typical peak; Settings are those of every cell, as JSON.
	Memory   trial.Bytes
	Settings string
	// Images are built one after the other in the phase build.
	Images []Image
	// Engine is its version; FailedTests fail in every trial.
	Engine      string
	FailedTests int
	Environment results.Environment
	Load        results.Load
}

// Image takes its share of the phase build, Factor times.
type Image struct {
	Name          string
	Share, Factor float64
}

// nightStart is when the first night of every made-up history begins.
var nightStart = time.Date(2026, 1, 1, 2, 0, 0, 0, time.UTC)

// Nights makes a run a night, one after the other. alter changes the world
// before each night, from 0, and what it changes stays so.
func Nights(experiment string, arms []Arm, nights int, seed uint64, alter func(night int, n *Night)) iter.Seq[results.Run] {
	return func(yield func(results.Run) bool) {
		world := Night{Arms: slices.Clone(arms), Blocks: 3, Slow: 1, Memory: 2 << 30, Engine: "1.0.0", Settings: `{"memory":3221225472}`,
			Images: []Image{{"datastore", 0.2, 1}, {"analysis", 0.6, 1}, {"controller", 0.2, 1}},
			Environment: results.Environment{Schema: results.Schema, HostID: "simulated", KindVersion: "v0", Kernel: "6.1", SpecHash: "spec", WorkloadHash: "workload",
				Stratbench: "simulated", GoVersion: "go", CPUs: 2}}
		for night := range nights {
			if alter != nil {
				alter(night, &world)
			}
			if !yield(world.run(experiment, night, seed)) {
				return
			}
		}
	}
}

func (n Night) run(experiment string, night int, seed uint64) results.Run {
	run := Run(n.Arms, n.Blocks, seed+uint64(night)*7919)
	started := nightStart.AddDate(0, 0, night)
	run.Dir = started.Format("20060102-150405") + "-" + experiment
	shift := started.Sub(run.Environment.Started)
	random := rand.New(rand.NewPCG(seed, uint64(night)))
	n.Environment.RunID, n.Environment.Started, n.Environment.Seed = run.Dir, started, seed
	run.Environment = n.Environment
	var records []results.Record
	for i := range run.Records {
		r := &run.Records[i]
		n.finish(r, run.Dir, shift, random)
		if i == 0 || r.Trial.Block != run.Records[i-1].Trial.Block {
			records = append(records, n.reference(*r, random))
		}
		records = append(records, *r)
	}
	run.Records = records
	return run
}

// reference is the reference workload before the first trial of a block.
func (n Night) reference(first results.Record, random *rand.Rand) results.Record {
	took := seconds(2.5 * n.Slow * math.Exp(0.01*random.NormFloat64()))
	return results.Record{Schema: results.Schema, RunID: first.RunID, Kind: results.KindReference, Attempt: 1, Simulated: true,
		Trial:   trial.Trial{ID: fmt.Sprintf("r%03d", first.Trial.Block), Block: first.Trial.Block, Cell: trial.Cell{}},
		Started: first.Started.Add(-took.Duration()), Elapsed: took, Settings: []byte(`{"simulated":true}`), Load: n.Load,
		Verdict: trial.Verdict{Outcome: trial.OK, Confidence: 1},
		Spans:   []trial.Span{{Name: "cpu", End: took}}, Samples: []trial.Sample{}, Tests: []trial.TestResult{}, Images: []results.Image{}}
}

// finish gives a record what a night has besides its times.
func (n Night) finish(r *results.Record, id string, shift time.Duration, random *rand.Rand) {
	r.RunID, r.Started, r.Load = id, r.Started.Add(shift), n.Load
	r.Machine.EngineVersion, r.Machine.NodeImage, r.Settings = n.Engine, "simulated/node", []byte(n.Settings)
	n.build(r)
	slow := func(s *trial.Seconds) { *s = trial.Seconds(float64(*s) * n.Slow) }
	slow(&r.Elapsed)
	for i := range r.Spans {
		slow(&r.Spans[i].Start)
		slow(&r.Spans[i].End)
	}
	peak := trial.Bytes(float64(n.Memory) * math.Exp(0.03*random.NormFloat64()))
	r.Samples = []trial.Sample{{Memory: peak}}
	if r.Setup == nil {
		return
	}
	slow(r.Setup)
	setup := *r.Setup
	length := trial.Seconds(float64(20*time.Second) * n.Slow * math.Exp(0.05*random.NormFloat64()))
	r.Spans = append(r.Spans, trial.Span{Name: string(trial.PhaseTest), Phase: trial.PhaseTest, Start: setup, End: setup + length})
	r.Elapsed += length
	for i := range 25 {
		r.Tests = append(r.Tests, trial.TestResult{Name: fmt.Sprintf("test %d", i+1), Status: trial.TestPass})
	}
	for i := range n.FailedTests {
		r.Tests[i].Status = trial.TestFail
		r.Verdict = trial.Verdict{Outcome: trial.TestFailed, Phase: trial.PhaseTest, Confidence: 1}
	}
}

// build splits the phase build into images, and moves what follows by their factors.
func (n Night) build(r *results.Record) {
	at := slices.IndexFunc(r.Spans, func(s trial.Span) bool { return s.Phase == trial.PhaseBuild })
	if at < 0 {
		return
	}
	r.Spans = slices.DeleteFunc(r.Spans, func(s trial.Span) bool { return s.Image != "" })
	whole, extra := r.Spans[at].Length(), trial.Seconds(0)
	start := r.Spans[at].Start
	for i, image := range n.Images {
		own := trial.Seconds(image.Share * float64(whole))
		more := trial.Seconds((image.Factor - 1) * float64(own))
		r.Spans = append(r.Spans, buildSpan(image.Name, start, own+more))
		r.Images = append(r.Images, results.Image{Name: image.Name, Ref: "simulated/" + image.Name, ID: fmt.Sprintf("sha256:%012x", i)})
		start, extra = start+own+more, extra+more
	}
	r.Spans[at].End += extra
	for i := at + 1; i < len(r.Spans)-len(n.Images); i++ {
		r.Spans[i].Start += extra
		r.Spans[i].End += extra
	}
	setup := *r.Setup + extra
	r.Setup, r.Elapsed = &setup, r.Elapsed+extra
}
