package study

import (
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// Schema is the version of the analysis format.
const Schema = "stratbench.analysis/v2"

// Analysis is what is said of a study's runs and cells. Times are in seconds.
type Analysis struct {
	Schema     string         `json:"schema"`
	Confidence float64        `json:"confidence"`
	Runs       []RunSummary   `json:"runs"`
	Factors    []trial.Factor `json:"factors"`
	Cells      []CellSummary  `json:"cells"`
	// NeverPlanned counts the combinations of the factors' levels that were in
	// no plan and have no trial; those planned and not run are among the cells.
	NeverPlanned int `json:"never_planned"`
	// Estimates are what nobody measured; they are not analysed.
	Estimates []Estimate `json:"estimates"`
	Warnings  []Warning  `json:"warnings"`
}

func (s Study) neverPlanned() int {
	combinations, cells := 1, 0
	for _, f := range s.Factors {
		levels := 0
		for _, l := range f.Levels {
			if l.Name != NotRecorded {
				levels++
			}
		}
		combinations *= max(1, levels)
	}
	for _, c := range s.Cells {
		if !slices.ContainsFunc(c, func(a trial.Assignment) bool { return a.Level == NotRecorded }) {
			cells++
		}
	}
	return combinations - cells
}

// sideBySide does the same to each, as many at once as there are CPUs.
func sideBySide[In, Out any](all []In, do func(In) Out) []Out {
	results := make([]Out, len(all))
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for i, x := range all {
		group.Go(func() error {
			results[i] = do(x)
			return nil
		})
	}
	_ = group.Wait() // no function of the group fails
	return results
}

// Estimate is what a source states of a cell and nobody measured.
type Estimate struct {
	Cell trial.Cell `json:"cell"`
	results.Imported
}

// RunSummary says where trials come from.
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

// Analyse summarises a study's runs and cells.
func (s Study) Analyse() Analysis {
	a := Analysis{Schema: Schema, Confidence: Confidence, Factors: s.Factors, NeverPlanned: s.neverPlanned(),
		Runs: []RunSummary{}, Estimates: []Estimate{}, Warnings: append([]Warning{}, s.warnings()...)}
	for _, r := range s.Estimates {
		a.Estimates = append(a.Estimates, Estimate{r.Trial.Cell, *r.Imported})
	}
	for i, run := range s.Runs {
		a.Runs = append(a.Runs, summariseRun(run, s.recorded[i]))
	}
	a.Cells = sideBySide(s.basics, s.summarise)
	return a
}

func summariseRun(run results.Run, recorded int) RunSummary {
	return RunSummary{Run: run.ID(), Started: run.Environment.Started, Environment: run.Environment,
		Planned: len(run.Plan.Trials), Recorded: recorded, FaultyRecords: len(run.Faults),
		Refused: run.Plan.Refused, Import: run.Import, Looks: run.Looks, HostSpeed: hostSpeed(run)}
}
