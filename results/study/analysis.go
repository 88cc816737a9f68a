package study

import (
	"bytes"
	_ "embed"
	"math"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/stats"
)

// Schema is the version of the analysis format.
const Schema = "stratbench.analysis/v2"

// Confidence is the level of every interval, and 1 less that of every test.
const Confidence = 0.95

// A test generates the schema from the types, and fails when it is not current.
//
//go:generate go test -run ^TestSchemaIsCurrent$ -update .

//go:embed schema.json
var schema []byte

// JSONSchema returns the JSON Schema of an Analysis.
func JSONSchema() []byte { return bytes.Clone(schema) }

// Analysis describes a study's runs and cells. Times are in seconds.
type Analysis struct {
	Schema     string         `json:"schema"`
	Confidence float64        `json:"confidence"`
	Runs       []RunSummary   `json:"runs"`
	Factors    []trial.Factor `json:"factors"`
	Cells      []CellSummary  `json:"cells"`
	// Estimates are what nobody measured; they are not analysed.
	Estimates []Estimate `json:"estimates"`
	Warnings  []Warning  `json:"warnings"`
}

// Estimate is what a source states of a cell and nobody measured.
type Estimate struct {
	Cell trial.Cell `json:"cell"`
	results.Imported
}

// RunSummary describes a run that trials come from.
type RunSummary struct {
	Run           string              `json:"run"`
	Started       time.Time           `json:"started"`
	Environment   results.Environment `json:"environment"`
	Planned       int                 `json:"trials_planned"`
	Recorded      int                 `json:"trials_recorded"`
	FaultyRecords int                 `json:"faulty_records"`
	Refused       []results.Refusal   `json:"refused,omitempty"`
	Import        *results.Import     `json:"import,omitempty"`
	Looks         []results.Look      `json:"looks,omitempty"`
	HostSpeed     *HostSpeed          `json:"host_speed,omitempty"`
}

// CellSummary is all that is known of one cell.
type CellSummary struct {
	Cell
	Failed    Rate  `json:"failed" jsonschema:"description=crashed or hung or not ready within the limits"`
	SetupTime Times `json:"setup_time" jsonschema:"description=of successful trials only; read beside failed"`
	// WithRetries is all time spent, failures and recovery included, for each
	// success; null without one, or where a time is not known.
	WithRetries Value `json:"seconds_with_retries"`
	// Contention is how much builds of images at once were in each other's way.
	Contention []ImageTime `json:"contention"`
	LowerBound LowerBound  `json:"lower_bound"`
	Warnings   []Warning   `json:"warnings"`
}

// Analyse summarises a study's runs and cells.
func (s Study) Analyse() Analysis {
	a := Analysis{Schema: Schema, Confidence: Confidence, Factors: s.Factors,
		Runs: []RunSummary{}, Cells: make([]CellSummary, len(s.basics)), Estimates: []Estimate{}, Warnings: append([]Warning{}, s.warnings()...)}
	for _, r := range s.Estimates {
		a.Estimates = append(a.Estimates, Estimate{r.Trial.Cell, *r.Imported})
	}
	for i, run := range s.Runs {
		speed := hostSpeed(run)
		a.Runs = append(a.Runs, RunSummary{Run: run.ID(), Started: run.Environment.Started, Environment: run.Environment,
			Planned: len(run.Plan.Trials), Recorded: s.recorded[i], FaultyRecords: len(run.Damaged),
			Refused: run.Plan.Refused, Import: run.Import, Looks: run.Looks, HostSpeed: speed})
		// On a quiet host of two cores the spread stays within half of that.
		if speed != nil && speed.Spread > 0.10 {
			a.Warnings = append(a.Warnings, Warning{Kind: HostVaried, Detail: run.ID(), Share: &speed.Spread, Count: speed.N})
		}
	}
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU()) // each takes memory of its own
	for i, c := range s.basics {
		group.Go(func() error {
			a.Cells[i] = s.summarise(c)
			return nil
		})
	}
	_ = group.Wait() // no function of the group fails
	return a
}

func (s Study) summarise(basic Cell) CellSummary {
	trials := s.Of(basic.Cell)
	spent := 0.0
	for _, o := range trials {
		spent += o.Cost()
	}
	return CellSummary{
		Cell:        basic,
		Failed:      FailureRate(trials),
		SetupTime:   times(Setups(trials)),
		WithRetries: Value(spent / float64(len(trials)-Failures(trials))),
		Contention:  s.Together(trials),
		LowerBound:  s.lowerBound(basic.Cell),
		Warnings:    s.cellWarnings(basic, trials),
	}
}

// Rate is how often something happened, with its exact interval.
type Rate struct {
	Events   int      `json:"events"`
	Trials   int      `json:"trials"`
	Estimate Value    `json:"estimate"`
	Interval Interval `json:"interval" jsonschema:"description=Clopper-Pearson"`
}

// FailureRate is how often the trials failed.
func FailureRate(trials []Observation) Rate {
	failed, n := Failures(trials), len(trials)
	return Rate{failed, n, Value(stats.Arm{Events: failed, Trials: n}.Rate()), interval(stats.ClopperPearson(failed, n, Confidence))}
}

// Times summarises times in seconds.
type Times struct {
	N      int   `json:"n"`
	Median Value `json:"median_seconds"`
	// Interval is the median's, from order statistics: an end is null where so
	// few times put no bound on it.
	Interval Interval `json:"median_interval_seconds"`
	Low      Value    `json:"low_seconds"`
	High     Value    `json:"high_seconds"`
}

func times(values []float64) Times {
	t := Times{len(values), Value(stats.Median(values)), interval(stats.MedianInterval(values, Confidence)), none, none}
	if len(values) > 0 {
		t.Low, t.High = Value(slices.Min(values)), Value(slices.Max(values))
	}
	return t
}

// Value is a figure that may not exist; the field's description says what null is.
type Value = stats.Value

// none is a value that does not exist.
var none = Value(math.NaN())

// Interval is a confidence interval; a null end means that the data put no
// bound on that side.
type Interval struct {
	Lower Value `json:"lower"`
	Upper Value `json:"upper"`
}

func interval(i stats.Interval) Interval { return Interval{Value(i.Lower), Value(i.Upper)} }

// Bounded reports whether both ends are finite.
func (i Interval) Bounded() bool { return i.Lower.Finite() && i.Upper.Finite() }

// HostSpeed is how long the reference workload, a small fixed job, took before the
// blocks of a run. No figure is adjusted by it.
type HostSpeed struct {
	N       int           `json:"n"`
	Fastest trial.Seconds `json:"fastest_seconds"`
	Slowest trial.Seconds `json:"slowest_seconds"`
	// Spread is the slowest over the fastest, less one.
	Spread Value `json:"spread"`
}

// hostSpeed is by the references with the job of a run's last one; nil without any.
func hostSpeed(run results.Run) *HostSpeed {
	all := run.Done(results.KindReference)
	var took []trial.Seconds
	for _, r := range all {
		if bytes.Equal(r.Settings, all[len(all)-1].Settings) {
			took = append(took, r.Elapsed)
		}
	}
	if len(took) == 0 {
		return nil
	}
	h := HostSpeed{N: len(took), Fastest: slices.Min(took), Slowest: slices.Max(took)}
	h.Spread = Value(float64(h.Slowest)/float64(h.Fastest) - 1)
	return &h
}
