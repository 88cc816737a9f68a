package main

import (
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
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/runtimes/machine"
)

func planCommand() *cobra.Command {
	var flags planFlags
	var output outputFlag
	var dir, from string
	var kind machine.Kind
	cmd := &cobra.Command{
		Use:   "plan SPEC",
		Short: "Show what an experiment would run, in which order, and for how long",
		Long: `Show what an experiment can decide and how long it takes, then its trials in
their randomised order: the first block, and with --output csv or json all. Times
are from earlier runs of the same cells where there are any, and otherwise a
guess that says so. Nothing is created. The order is that of a run only when the
spec has a seed or --seed is given. What run would refuse is reported after the
plan, as validate does.

With --predict RUN: how long builds would take by every strategy and, of up to six
images, by every grouping, from what each image took in builds of that run that
had the machine alone (strategy serial).`,
		Example: `  stratbench plan experiments/podman-vs-docker.yaml
  stratbench plan experiments/podman-vs-docker.yaml --predict latest
  stratbench plan experiments/quick.yaml --seed 7 --output csv`,
		Args: exactly(1, "one spec"),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, p, err := flags.load(cmd, args[0])
			if err != nil {
				return err
			}
			runs, err := readRuns(cmd, dir)
			if err != nil {
				return err
			}
			if from != "" {
				d, err := predicted(cmd, spec, dir, from)
				if err != nil {
					return err
				}
				return d.Write(cmd.OutOrStdout(), output.format)
			}
			if err := planned(spec, p, runs).Write(cmd.OutOrStdout(), output.format); err != nil {
				return err
			}
			seen, err := inspect(cmd, run.Options{Spec: spec, Plan: p, Machine: kind})
			if err != nil && seen.Machine == "" { // a plan can be made where nothing can run
				fmt.Fprintln(cmd.ErrOrStderr(), err)
				return nil
			}
			return err
		},
	}
	flags.add(cmd)
	output.add(cmd)
	addResultsFlag(cmd, &dir)
	addMachineFlag(cmd, &kind)
	cmd.Flags().StringVar(&from, "predict", "", "predict builds from what they took in this `RUN`")
	return cmd
}

// timesOf gathers how long trials of each cell took, whatever their outcome.
func timesOf(runs []results.Run) map[string][]time.Duration {
	times := map[string][]time.Duration{}
	for _, r := range runs {
		for _, rec := range r.Trials() {
			if s := rec.Standing(); s != results.NotMeasured {
				times[rec.Trial.Cell.Key()] = append(times[rec.Trial.Cell.Key()], rec.Elapsed.Duration())
			}
		}
	}
	return times
}

// planned is a plan for people, who see what it can decide and its first block,
// and for programs, which see all trials.
func planned(spec *spec.Spec, p plan.Plan, runs []results.Run) report.Document {
	expect := plan.Measured(timesOf(runs), plan.Guess(spec.Limits))
	estimate := p.Estimate(expect)
	data := map[string]any{"name": spec.Name, "factors": spec.Factors, "plan": p, "estimate": estimate}
	d := report.Document{Notes: planNotes(spec, p, estimate, expect), Data: data}
	if f, ok := answer.Foresee(p.Cells, p.Blocks, float64(spec.Design.Indifference), runs); ok {
		data["foresight"] = f
		d.Notes = append(d.Notes, report.Foresight(f, p.Blocks, estimate.Block)...)
	}
	first := report.Table{Title: "Warm-ups and the first block", Header: []string{"trial", "block"}}
	if p.Blocks > 1 {
		first.Notes = []string{fmt.Sprintf("All %d blocks have these cells, each in its own order; --output csv lists them.", p.Blocks)}
	}
	for _, f := range spec.Factors {
		first.Header = append(first.Header, f.Name)
	}
	d.Tidy = [][]string{first.Header}
	for _, t := range p.Trials {
		row := []string{t.ID, block(t)}
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

func block(t trial.Trial) string {
	if t.WarmUp {
		return "warm-up"
	}
	return strconv.Itoa(t.Block)
}

// planNotes says how long a plan takes, and of what it is made.
func planNotes(s *spec.Spec, p plan.Plan, e plan.Estimate, expect plan.Expect) []string {
	sources := map[string]int{}
	for _, c := range e.Cells {
		sources[c.Source]++
	}
	var from []string
	for _, source := range slices.Sorted(maps.Keys(sources)) {
		from = append(from, fmt.Sprintf("%d cells: %s", sources[source], source))
	}
	notes := []string{
		fmt.Sprintf("%s: %d cells, %d blocks, %d trials with warm-ups, seed %d", s.Name, len(p.Cells), p.Blocks, len(p.Trials), p.Seed),
		fmt.Sprintf("Estimate: %s in all, %s a block (time of %s)", seconds(e.Total), seconds(e.Block), strings.Join(from, "; ")),
	}
	if s.Budget > 0 {
		notes = append(notes, fmt.Sprintf("The budget of %s has room for %d of %d blocks",
			s.Budget, p.BlocksWithin(s.Budget, expect), p.Blocks))
	}
	if s.Design.Stop == spec.StopDecided && p.Blocks > 1 {
		notes = append(notes, "Stops when decided: the blocks are the most there will be, and strategies that are ruled out are not run again (design.stop)")
	}
	var factors []string
	for _, f := range s.Factors {
		factors = append(factors, "Factor "+f.Name+": "+levelNames(f))
	}
	return append(notes, strings.Join(factors, "\n"))
}

func seconds(d time.Duration) string { return report.Seconds(trial.Seconds(d)) }

func levelNames(f trial.Factor) (names string) {
	for i, l := range f.Levels {
		if i > 0 {
			names += ", "
		}
		names += l.Name
	}
	return names
}
