package main

import (
	"errors"
	"fmt"
	"strconv"
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
	"github.com/stratbench/stratbench/runtimes/machine"
)

func planCommand() *cobra.Command {
	var flags planFlags
	var output outputFlag
	var dir, kind string
	cmd := &cobra.Command{
		Use:   "plan SPEC",
		Short: "Show what an experiment would run, in which order, and for how long",
		Long: `Show an experiment's factors, its cells in the randomised order of their
trials, and an estimate of time: from earlier runs of the same cells where
there are any, and otherwise a guess that says so. Nothing is created. The
order is that of a run only when the spec has a seed or --seed is given. What
run would refuse is reported after the plan, as validate does.`,
		Example: `  stratbench plan experiments/podman-vs-docker.yaml
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
			if err := output.write(cmd, planTable(spec, p, runs)); err != nil {
				return err
			}
			_, err = inspect(cmd, run.Options{Spec: spec, Plan: p, Machine: machine.Kind(kind)})
			if issues := new(issue.List); err != nil && !errors.As(err, &issues) {
				// A plan can be made where nothing can run.
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

func planTable(spec *spec.Spec, p plan.Plan, runs []results.Run) report.Table {
	expect := plan.Measured(timesOf(runs), plan.Guess(spec.Limits))
	estimate := p.Estimate(expect)
	data := map[string]any{"name": spec.Name, "factors": spec.Factors, "plan": p, "estimate": estimate}
	t := report.Table{Header: []string{"trial", "block"}, Data: data}
	for _, f := range spec.Factors {
		t.Header = append(t.Header, f.Name)
	}
	for _, planned := range p.Trials {
		row := []string{planned.ID, block(planned)}
		for _, a := range planned.Cell {
			row = append(row, a.Level)
		}
		t.Rows = append(t.Rows, row)
	}
	t.Notes = planNotes(spec, p, estimate, expect)
	if f, ok := answer.Foresee(p.Cells, p.Blocks, float64(spec.Design.Indifference), runs); ok {
		data["foresight"] = f
		t.Notes = append(t.Notes, report.Foresight(f, p.Blocks, estimate.Block)...)
	}
	return t
}

func block(t trial.Trial) string {
	if t.WarmUp {
		return "warm-up"
	}
	return strconv.Itoa(t.Block)
}

func planNotes(s *spec.Spec, p plan.Plan, e plan.Estimate, expect plan.Expect) []string {
	notes := []string{fmt.Sprintf("%s: %d cells, %d blocks, %d trials with warm-ups, seed %d",
		s.Name, len(p.Cells), p.Blocks, len(p.Trials), p.Seed)}
	for _, f := range s.Factors {
		notes = append(notes, "Factor "+f.Name+": "+levelNames(f))
	}
	sources := map[string]int{}
	for _, c := range e.Cells {
		sources[c.Source]++
	}
	for source, n := range sources {
		notes = append(notes, fmt.Sprintf("Time of %d cells: %s", n, source))
	}
	notes = append(notes, fmt.Sprintf("Estimate: %s in all, %s a block", seconds(e.Total), seconds(e.Block)))
	if s.Budget > 0 {
		notes = append(notes, fmt.Sprintf("The budget of %s has room for %d of %d blocks",
			s.Budget, p.BlocksWithin(s.Budget, expect), p.Blocks))
	}
	if s.Design.Stop == spec.StopDecided && p.Blocks > 1 {
		notes = append(notes, "Stops when decided: the blocks are the most there will be, and strategies that are ruled out are not run again (design.stop)")
	}
	return notes
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
