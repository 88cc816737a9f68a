package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
	"github.com/stratbench/stratbench/strategies"
)

// mostPromising is how many groupings are shown of each engine.
const mostPromising = 5

// predicted predicts what strategies and groupings take, from the builds of a run.
func predicted(cmd *cobra.Command, s *spec.Spec, dir, name string) (d report.Document, err error) {
	r, err := openRun(cmd, dir, name)
	if err != nil {
		return d, err
	}
	if r.Environment.WorkloadHash != s.Workload.SHA256 {
		return d, usage("predicting from %s: it ran another workload than %s, or an older state of it; name a run of this workload with the strategy serial", name, s.Path)
	}
	builds, cpus := alone(r)
	t := report.Table{Title: "Builds, as predicted", Header: []string{"runtime", "schedule", "builds", "of serial", "peak memory of builds"}}
	type prediction struct {
		Runtime  trial.Runtime       `json:"runtime"`
		Schedule strategies.Schedule `json:"schedule"`
		Build    trial.Seconds       `json:"build_seconds"`
		Peak     trial.Bytes         `json:"peak_bytes"`
	}
	data := []prediction{}
	for _, rt := range trial.Runtimes() {
		of := run.Demands(builds, rt, s.Settings.Build.NoCache)
		if len(of) == 0 {
			continue
		}
		all, err := strategies.Promising(s.Workload.ToSchedule(), s.Strategies, of, cpus)
		if err != nil {
			return d, usage("predicting %s from %s: %w", rt, name, err)
		}
		serial := all[slices.IndexFunc(all, func(p strategies.Predicted) bool { return p.Strategy == strategies.Serial })].Takes
		groupings := 0
		for _, p := range all {
			data = append(data, prediction{rt, p.Schedule, trial.Seconds(p.Takes), trial.Bytes(p.Peak)})
			if !slices.Contains(strategies.Names(s.Strategies), p.Strategy) {
				if groupings++; groupings > mostPromising {
					continue
				}
			}
			share := strconv.Itoa(int(math.Round(100*p.Takes.Seconds()/serial.Seconds()))) + " %"
			t.Rows = append(t.Rows, []string{string(rt), p.Strategy, report.Seconds(trial.Seconds(p.Takes)), share, trial.Bytes(p.Peak).String()})
		}
		if gain := 100 * (1 - all[0].Takes.Seconds()/serial.Seconds()); gain < 1 {
			d.Notes = append(d.Notes, fmt.Sprintf("On %s no schedule is predicted to be faster than serial: one build keeps the processors busy.", rt))
		} else {
			d.Notes = append(d.Notes, fmt.Sprintf("On %s, %s is predicted to be the fastest: builds take %.0f %% less than serial ones.", rt, all[0].Strategy, gain))
		}
	}
	if len(t.Rows) == 0 {
		return d, usage("predicting from %s: no build in it had the machine to itself; run the strategy serial with clusterStart before or after, and name that run", name)
	}
	t.Notes = []string{"Predicted from what each image took alone, with fair shares of the processors. Builds that compete for disk or network take longer. After a run, report --full compares the predictions with what was measured."}
	d.Sections, d.Data = []report.Table{t}, map[string]any{"run": r.Environment.RunID, "predictions": data}
	return d, nil
}

// alone are the builds of a run that had the machine to themselves, and the
// processors that it had.
func alone(r results.Run) (builds []results.Expected, cpus float64) {
	var all []results.Expected
	for _, rec := range r.Trials() {
		all = append(all, study.BuildsAlone(rec)...)
		cpus = max(cpus, float64(rec.Machine.CPUs))
	}
	return study.Likely(all), cpus
}
