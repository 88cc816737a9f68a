package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
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
	"github.com/stratbench/stratbench/results/study"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// maxReplicates is design.replicates' maximum in the schema.
const maxReplicates = 1000

// planFlags change a spec's design from the command line.
type planFlags struct {
	replicates int
	seed       uint64
	budget     time.Duration
}

func (f *planFlags) add(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.replicates, "replicates", 0, "blocks to run, instead of the spec's")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "seed of the order, instead of the spec's or a drawn one")
	cmd.Flags().DurationVar(&f.budget, "budget", 0, "run as many whole blocks as fit in this time, such as 30m")
}

func (f *planFlags) load(cmd *cobra.Command, file string) (*spec.Spec, plan.Plan, error) {
	spec, err := spec.Load(file)
	if err != nil {
		return nil, plan.Plan{}, err
	}
	if cmd.Flags().Changed("replicates") {
		if f.replicates < 1 || f.replicates > maxReplicates {
			return nil, plan.Plan{}, usageError{fmt.Errorf("--replicates must be from 1 to %d, as in a spec", maxReplicates)}
		}
		spec.Design.Replicates = f.replicates
	}
	if cmd.Flags().Changed("budget") {
		if f.budget <= 0 {
			return nil, plan.Plan{}, usageError{errors.New("--budget must be more than 0, such as 30m")}
		}
		spec.Budget = f.budget
	}
	return spec, plan.Make(spec, f.chosenSeed(cmd, spec)), nil
}

func (f *planFlags) chosenSeed(cmd *cobra.Command, spec *spec.Spec) uint64 {
	switch {
	case cmd.Flags().Changed("seed"):
		return f.seed
	case spec.Design.SeedGiven:
		return spec.Design.Seed
	}
	// Small enough to be typed, and exact in every JSON reader.
	return rand.Uint64N(1_000_000)
}

func runCommand() *cobra.Command {
	var flags planFlags
	var output outputFlag
	var dir, resume string
	var kind machine.Kind
	var asFound, keepGoing bool
	cmd := &cobra.Command{
		Use:   "run SPEC",
		Short: "Run an experiment and print its table",
		Long: `Run an experiment: every cell in randomised blocks, each trial on a machine in
its golden state. Each trial is recorded before the next begins. Ctrl-C once
stops cleanly; --resume continues. When all warm-ups, or all of the first
block, fail in the same phase of the same cause, the run stops.

` + exitCodeTable(ofRun),
		Example: `  stratbench run experiments/quick.yaml
  stratbench run experiments/quick.yaml --replicates 3 --budget 1h
  stratbench run experiments/quick.yaml --resume`,
		Args: exactly(1, "one spec"),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, p, err := flags.load(cmd, args[0])
			if err != nil {
				return err
			}
			if asFound {
				note, err := run.AsFound(cmd.Context(), spec)
				if err != nil {
					return usageError{err}
				}
				if note != "" {
					fmt.Fprintln(cmd.ErrOrStderr(), note)
					p = plan.Make(spec, p.Seed)
				}
			}
			o := run.Options{Spec: spec, Plan: p, Root: dir, Machine: kind, KeepGoing: keepGoing, Budget: spec.Budget, Look: looker(spec)}
			if cmd.Flags().Changed("resume") {
				if o.Resume, err = resumable(dir, resume, spec.Name); err != nil {
					return usageError{err}
				}
			}
			return runAndPrint(cmd, o, &output)
		},
	}
	flags.add(cmd)
	output.add(cmd)
	addResultsFlag(cmd, &dir)
	cmd.Flags().StringVar(&resume, "resume", "", "continue an interrupted run: its name, or the spec's newest run")
	cmd.Flags().Lookup("resume").NoOptDefVal = "latest"
	cmd.Flags().BoolVar(&asFound, "as-found", false, "where engines of the user's run: only those, with the memory they have")
	cmd.Flags().BoolVar(&keepGoing, "keep-going", false, "go on when all warm-ups or all of the first block fail alike")
	addMachineFlag(cmd, &kind)
	return cmd
}

// runAndPrint runs, and prints the table of whatever was recorded.
func runAndPrint(cmd *cobra.Command, o run.Options, output *outputFlag) error {
	show := newProgress(cmd.ErrOrStderr())
	o.Report = show.update
	folder, runErr := run.Run(cmd.Context(), o)
	show.close()
	if errors.Is(runErr, run.ErrCannotRun) || errors.Is(runErr, results.ErrInUse) {
		return usageError{runErr}
	}
	if folder == "" {
		return runErr
	}
	runErr = inShort(runErr, folder)
	recorded, err := openRun(cmd, o.Root, folder)
	if err != nil || len(recorded.Trials()) == 0 {
		return errors.Join(runErr, err)
	}
	err = output.write(cmd, report.Run(recorded))
	fmt.Fprintf(cmd.ErrOrStderr(), "\nResults: %s\nTrials:  stratbench ls %s\n", folder, recorded.ID())
	return errors.Join(runErr, err)
}

// errorFile has, in a run's folder, what ended it where that is long.
const errorFile = "error.txt"

// longError is an error that a terminal has no room for.
type longError struct {
	error
	short string
}

func (e longError) Error() string { return e.short }

func (e longError) Unwrap() error { return e.error }

// inShort leaves of an error of many lines the one that says it best, and has
// all of it in the run's folder.
func inShort(err error, folder string) error {
	if err == nil || strings.Count(err.Error(), "\n") < 3 {
		return err
	}
	name := filepath.Join(folder, errorFile)
	f, failed := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if failed != nil {
		return err
	}
	_, failed = fmt.Fprintf(f, "%s\n%v\n\n", time.Now().UTC().Format(time.RFC3339), err)
	if failed = errors.Join(failed, f.Close()); failed != nil {
		return err
	}
	return longError{err, trial.ErrorInShort(err.Error()) + "; all of it is in " + name}
}

// resumable finds the run to continue: the named one, or the newest of the
// spec's name.
func resumable(root, name, spec string) (string, error) {
	if name != "latest" {
		return results.Find(root, name)
	}
	dirs, err := results.Runs(root)
	if err != nil {
		return "", err
	}
	for i := len(dirs) - 1; i >= 0; i-- {
		if run.IsOf(dirs[i], spec) {
			return dirs[i], nil
		}
	}
	return "", fmt.Errorf("no run of %s is in %s; start one without --resume", spec, root)
}

// looker decides for a spec that stops by what its trials show; nil for one
// that runs all its replicates.
func looker(s *spec.Spec) func(results.Run) (results.Look, error) {
	if s.Design.Stop != spec.StopDecided {
		return nil
	}
	return func(run results.Run) (results.Look, error) {
		return answer.Interim(study.Gather([]results.Run{run}))
	}
}
