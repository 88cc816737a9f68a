package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/strategies"
)

func planCommand() *cobra.Command {
	var f shared
	var flags planFlags
	var from string
	var kind machine.Kind
	cmd := f.add(&cobra.Command{
		Use:   "plan SPEC",
		Short: "Show what an experiment would run, in which order, and for how long",
		Long: `Show how long an experiment takes and what it can decide, then its trials in
their randomised order: the first block, and with --output csv or json all of them.
Times are from earlier runs of the same cells if there are any, and otherwise a
guess, marked as one. A run has the same order only if the spec has a seed or --seed
is given. Nothing is created. Issues for which stratbench run would refuse the spec
are reported after the plan.

With --predict RUN, predict how long the builds take with every strategy and, for up
to six images, with every grouping, from the builds of that run that had the
machine to themselves (strategy serial).`,
		Example: `  stratbench plan experiments/podman-vs-docker.yaml
  stratbench plan experiments/podman-vs-docker.yaml --predict latest
  stratbench plan experiments/quick.yaml --seed 7 --output csv`,
		Args: takes(1, 1, "one spec"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, p, err := flags.load(cmd, args[0])
			if err != nil {
				return err
			}
			if from != "" {
				d, err := predicted(cmd, s, f.dir, from)
				if err != nil {
					return err
				}
				return f.print(cmd, d)
			}
			runs, err := readRuns(cmd, f.dir)
			if err != nil {
				return err
			}
			found, refused := run.Inspect(cmd.Context(), run.Options{Spec: s, Plan: p, Machine: kind})
			if err := f.print(cmd, planned(s, found.Plan, runs)); err != nil {
				return err
			}
			warn(cmd, s, found, refused)
			if refused != nil && found.Machine == "" { // a plan can be made where nothing can run
				fmt.Fprintln(cmd.ErrOrStderr(), refused)
				return nil
			}
			return refused
		},
	})
	flags.add(cmd)
	parsed(cmd, &kind, "machine", "", machineHelp, machine.ParseKind)
	cmd.Flags().StringVar(&from, "predict", "", "predict builds from what they took in this `RUN`")
	return cmd
}

// planned is a plan for people, who see what it can decide and its first block,
// and for programs, which see all trials.
func planned(s *spec.Spec, p plan.Plan, runs []results.Run) report.Document {
	times := map[string][]time.Duration{} // of each cell's trials, whatever their outcome
	for _, r := range runs {
		if r.Environment.WorkloadHash != s.Workload.SHA256 && !run.IsOf(r.Environment.RunID, s.Name) {
			continue // cells of another project may have the same levels
		}
		for _, rec := range r.Trials() {
			if key := rec.Trial.Cell.Key(); rec.Standing() != results.NotMeasured {
				times[key] = append(times[key], rec.Elapsed.Duration())
			}
		}
	}
	estimate := p.Estimate(times, s.Limits)
	data := map[string]any{"name": s.Name, "factors": s.Factors, "plan": p, "estimate": estimate}
	d := report.Document{Notes: planNotes(s, p, estimate), Data: data}
	if sharing := run.Shared(s, p.Cells, runs); len(sharing) > 0 {
		data["shared"] = sharing
		d.Notes = append(d.Notes, sharedNotes(sharing)...)
	}
	if f, ok := answer.Foresee(p.Cells, p.Blocks, float64(s.Design.Indifference), runs); ok {
		data["foresight"] = f
		d.Notes = append(d.Notes, report.Foresight(f, p.Blocks, estimate.Block)...)
	}
	first := report.Table{Title: "Warm-ups and the first block", Header: []string{"trial", "block"}}
	if p.Blocks > 1 {
		first.Notes = []string{fmt.Sprintf("All %d blocks have these cells, each in its own order; --output csv lists them.", p.Blocks)}
	}
	for _, f := range s.Factors {
		first.Header = append(first.Header, f.Name)
	}
	d.Tidy = [][]string{first.Header}
	for _, t := range p.Trials {
		row := []string{t.ID, strconv.Itoa(t.Block)}
		if t.WarmUp {
			row[1] = "warm-up"
		}
		for _, a := range t.Cell {
			row = append(row, a.Level)
		}
		d.Tidy = append(d.Tidy, row)
		if t.WarmUp || t.Block == 1 {
			first.Rows = append(first.Rows, row)
		}
	}
	d.Sections = []report.Table{first}
	return d
}

// sharedNotes say what share of the work of building images is common.
func sharedNotes(all []run.Sharing) (notes []string) {
	for _, s := range all {
		var stages []string
		for _, stage := range s.Stages {
			stages = append(stages, fmt.Sprintf("%s (%s)", stage.Name, strings.Join(stage.Images, ", ")))
		}
		note := fmt.Sprintf("The strategy shared builds once: %s. Of all %d build steps (RUN, COPY, ADD), %d are in common stages; building these once saves %d.",
			strings.Join(stages, "; "), s.Steps, s.Common, s.Saved)
		if s.Run != "" {
			note += fmt.Sprintf(" By the build times of run %s, common stages are %.0f %% of the work, and building them once saves %.0f %%.", s.Run, 100*s.CommonShare, 100*s.SavedShare)
		} else {
			note += " A run of this workload by another strategy with build.noCache: true shows what share of the time that is."
		}
		notes = append(notes, note)
	}
	return notes
}

// planNotes are how long a plan takes, and its parts.
func planNotes(s *spec.Spec, p plan.Plan, e plan.Estimate) []string {
	sources := map[string]int{}
	for _, c := range e.Cells {
		sources[c.Source]++
	}
	var from []string
	for _, source := range slices.Sorted(maps.Keys(sources)) {
		from = append(from, report.Counted(sources[source], "cell")+": "+source)
	}
	notes := []string{
		fmt.Sprintf("%s: %s, %s, %s with warm-ups, seed %d", s.Name, report.Counted(len(p.Cells), "cell"), report.Counted(p.Blocks, "block"), report.Counted(len(p.Trials), "trial"), p.Seed),
		fmt.Sprintf("Estimate: %s in all, %s a block (time of %s)", report.Seconds(trial.Seconds(e.Total)), report.Seconds(trial.Seconds(e.Block)), strings.Join(from, "; ")),
	}
	if s.Budget > 0 {
		notes = append(notes, fmt.Sprintf("The budget of %s has room for %d of %s",
			s.Budget, p.BlocksWithin(s.Budget, e), report.Counted(p.Blocks, "block")))
	}
	if s.Design.Stop == spec.StopDecided && p.Blocks > 1 {
		notes = append(notes, "Stops when decided (design.stop): this is the largest number of blocks, and strategies that are ruled out do not run again")
	}
	var factors []string
	for _, f := range s.Factors {
		names, _ := s.LevelNames(f.Name)
		factors = append(factors, "Factor "+f.Name+": "+strings.Join(names, ", "))
	}
	notes = append(notes, strings.Join(factors, "\n"))
	for _, h := range s.Design.Hypotheses {
		notes = append(notes, "Hypothesis: "+report.Hypothesis(h))
	}
	return notes
}

func validateCommand() *cobra.Command {
	var kind machine.Kind
	cmd := &cobra.Command{
		Use:   "validate SPEC...",
		Short: "Report every issue of a spec, each with file, line and column",
		Long: `Report every issue of a spec, of its workload and of all that trials read: the
Kind configuration, Dockerfiles and their contexts, manifests, the test command.
They are checked for the machine that stratbench run would use here. Nothing is
created. What may go wrong is a warning and does not change the exit code.`,
		Example: `  stratbench validate experiments/*.yaml
  stratbench validate experiments/quick.yaml --machine isolated`,
		Args: takes(1, many, "one spec or more"),
		RunE: func(cmd *cobra.Command, args []string) error {
			all := &issue.List{}
			for _, file := range args {
				s, faulty := spec.Load(file)
				all.AddError(faulty)
				if s == nil {
					continue
				}
				found, err := run.Inspect(cmd.Context(), run.Options{Spec: s, Plan: plan.Make(s, 0), Machine: kind})
				if faulty != nil {
					if found, is := errors.AsType[*issue.List](err); is { // further ones in what the spec reads
						all.List = append(all.List, slices.DeleteFunc(found.List, func(i issue.Issue) bool { return i.Line == 0 || i.File == file })...)
					}
					continue
				}
				warn(cmd, s, found, err)
				if err != nil {
					all.AddError(err)
					continue
				}
				p := found.Plan
				fmt.Fprintf(cmd.OutOrStdout(), "%s: good: %s, %s, %s; machine: %s\n", file,
					report.Counted(len(p.Cells), "cell"), report.Counted(p.Blocks, "block"), report.Counted(len(p.Trials), "trial"), found.Machine)
			}
			return all.Err()
		},
	}
	parsed(cmd, &kind, "machine", "", machineHelp, machine.ParseKind)
	return cmd
}

// warn prints the warnings of an inspection and, if it ended with an error, for which
// machine it was made.
func warn(cmd *cobra.Command, s *spec.Spec, found run.Inspection, err error) {
	for _, w := range found.Warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
	}
	if err != nil && found.Machine != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: checked for the machine %s\n", s.Path, found.Machine)
	}
}

// buildCondition is what decides how long builds take, and which are admitted.
type buildCondition struct {
	Runtime trial.Runtime `json:"runtime"`
	NoCache bool          `json:"no_cache"`
	CPUs    float64       `json:"cpus,omitempty"`
	Memory  trial.Bytes   `json:"memory_bytes,omitempty"`
}

// buildConditions are those of a plan's cells, each once.
func buildConditions(s *spec.Spec) (all []buildCondition) {
	for _, cell := range s.Cells() {
		settings, _, err := s.Cell(cell)
		c := buildCondition{settings.Runtime, settings.Build.NoCache, settings.Machine.CPUs, settings.Memory}
		// What builds with a cache take depends on what was built before.
		if err == nil && !settings.Build.Cache.Used() && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

// predicted predicts what strategies and groupings take, from the builds of a run.
func predicted(cmd *cobra.Command, s *spec.Spec, dir, name string) (d report.Document, err error) {
	r, err := openRun(cmd, dir, name)
	if err != nil {
		return d, err
	}
	if r.Environment.WorkloadHash != s.Workload.SHA256 {
		return d, usage("predicting from %s: it ran a different workload from %s, or an older state of it; name a run of this workload with the strategy serial", name, s.Path)
	}
	var alone []results.Expected // the builds that had the machine to themselves
	engine := 0.0                // the processors of their machine
	for _, rec := range r.Trials() {
		alone, engine = append(alone, study.BuildsAlone(rec)...), max(engine, rec.Processors())
	}
	if len(alone) == 0 {
		return d, usage("predicting from %s: no build in it had the machine to itself; run the strategy serial with clusterStart before or after, and name that run", name)
	}
	builds := study.Likely(alone)
	t := report.Table{Title: "Builds, as predicted", Header: []string{"where", "schedule", "builds", "of serial", "peak memory of builds"}}
	type prediction struct {
		buildCondition
		Schedule strategies.Schedule `json:"schedule"`
		Build    trial.Seconds       `json:"build_seconds"`
		Peak     trial.Bytes         `json:"peak_bytes"`
	}
	data := []prediction{}
	rows, named := map[string]bool{}, map[string]bool{} // what the limit of memory does not change is said once
	for _, c := range buildConditions(s) {
		of := run.Demands(builds, c.Runtime, c.NoCache)
		if len(of) == 0 {
			continue
		}
		where := string(c.Runtime)
		if !c.NoCache {
			where += ", noCache false"
		}
		if c.CPUs > 0 {
			where += fmt.Sprintf(", %g CPUs", c.CPUs)
		}
		possible := func(p strategies.Schedule) bool { return run.OutOfOrder(s.Workload, s.Settings.Build.Args, p) == nil }
		all, err := strategies.Promising(s.Workload.ToSchedule(), s.Strategies, of, cmp.Or(c.CPUs, engine), int64(c.Memory), possible)
		if err != nil {
			return d, usage("predicting %s from %s: %w", where, name, err)
		}
		serial := time.Duration(0) // what builds take one after the other, in whichever order
		for _, alone := range of {
			serial += alone.Takes
		}
		groupings := 0
		for _, p := range all {
			data = append(data, prediction{c, p.Schedule, trial.Seconds(p.Takes), trial.Bytes(p.Peak)})
			if !slices.Contains(strategies.Names(s.Strategies), p.Strategy) {
				if groupings++; groupings > 5 { // more of an engine are not shown
					continue
				}
			}
			schedule := p.Strategy
			if p.Admission != nil && c.Memory > 0 {
				schedule += " under " + c.Memory.String()
			}
			share := fmt.Sprintf("%.0f %%", 100*p.Takes.Seconds()/serial.Seconds())
			row := []string{where, schedule, report.Seconds(trial.Seconds(p.Takes)), share, trial.Bytes(p.Peak).String()}
			if key := strings.Join(row, "\n"); !rows[key] {
				rows[key] = true
				t.Rows = append(t.Rows, row)
			}
		}
		if named[where] {
			continue
		}
		named[where] = true
		fastest := slices.MinFunc(all, func(a, b strategies.Predicted) int { return cmp.Compare(a.Takes, b.Takes) })
		if gain := 100 * (1 - fastest.Takes.Seconds()/serial.Seconds()); gain < 1 {
			d.Notes = append(d.Notes, fmt.Sprintf("On %s no schedule is predicted to be faster than serial: one build keeps the processors busy.", where))
		} else {
			d.Notes = append(d.Notes, fmt.Sprintf("On %s, %s is predicted to be the fastest: builds take %.0f %% less than serial ones.", where, fastest.Strategy, gain))
		}
	}
	if len(t.Rows) == 0 {
		return d, usage("predicting from %s: it has no build with a runtime and build.noCache of this plan, or every cell of this plan uses build.cache, for which nothing can be predicted; name a run that has such builds, or leave out build.cache", name)
	}
	t.Notes = []string{"Predicted from what each image took alone, with fair shares of the processors. Builds that compete for disk or network take longer. After a run, report --full compares the predictions with what was measured."}
	d.Sections, d.Data = []report.Table{t}, map[string]any{"run": r.Environment.RunID, "predictions": data}
	return d, nil
}
