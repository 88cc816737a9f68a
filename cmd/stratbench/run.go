package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
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

// planFlags change a spec's design from the command line.
type planFlags struct {
	replicates int
	seed       uint64
	budget     time.Duration
}

func (f *planFlags) add(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.replicates, "replicates", 0, "blocks to run, instead of the spec's")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "seed of the trial order (default: the spec's, or else a random one)")
	cmd.Flags().DurationVar(&f.budget, "budget", 0, "run as many whole blocks as fit in this time, such as 30m")
}

func (f *planFlags) load(cmd *cobra.Command, file string) (*spec.Spec, plan.Plan, error) {
	s, err := spec.Load(file)
	if err != nil {
		return nil, plan.Plan{}, err
	}
	if cmd.Flags().Changed("replicates") {
		if most := spec.MostReplicates(); f.replicates < 1 || f.replicates > most {
			return nil, plan.Plan{}, usage("--replicates must be from 1 to %d, as in a spec", most)
		}
		s.Design.Replicates = f.replicates
	}
	if cmd.Flags().Changed("budget") {
		if f.budget <= 0 {
			return nil, plan.Plan{}, usage("--budget must be more than 0, such as 30m")
		}
		s.Budget = f.budget
	}
	return s, plan.Make(s, chosenSeed(cmd, s, f.seed)), nil
}

func chosenSeed(cmd *cobra.Command, s *spec.Spec, flag uint64) uint64 {
	switch {
	case cmd.Flags().Changed("seed"):
		return flag
	case s.Design.SeedGiven:
		return s.Design.Seed
	}
	// Small enough to be typed, and exact in every JSON reader.
	return rand.Uint64N(1_000_000)
}

func runCommand() *cobra.Command {
	var f shared
	var flags planFlags
	var resume string
	var kind machine.Kind
	var asFound, keepGoing bool
	cmd := f.add(&cobra.Command{
		Use:         "run SPEC",
		Annotations: map[string]string{tearsDown: always},
		Short:       "Run an experiment and print its table",
		Long: `Run an experiment: all cells in randomised blocks, each trial from the same state,
and recorded before the next begins. Ctrl-C once stops cleanly; --resume continues.
When all warm-ups, or all trials of the first block, fail in the same phase from
the same cause, the run stops, unless --keep-going is given.

` + exitCodeTable("run"),
		Example: `  stratbench run experiments/quick.yaml
  stratbench run experiments/quick.yaml --replicates 3 --budget 1h
  stratbench run experiments/quick.yaml --resume`,
		Args: takes(1, 1, "one spec"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, p, err := flags.load(cmd, args[0])
			if err != nil {
				return err
			}
			if asFound {
				note, err := run.AsFound(cmd.Context(), s)
				if err != nil {
					return exitError{exitUsage, err}
				}
				if note != "" {
					fmt.Fprintln(cmd.ErrOrStderr(), note)
					p = plan.Make(s, p.Seed)
				}
			}
			o := run.Options{Spec: s, Plan: p, Root: f.dir, Machine: kind, KeepGoing: keepGoing, Look: func(recorded results.Run) (results.Look, error) {
				return answer.Interim(study.Gather([]results.Run{recorded})), nil
			}}
			if cmd.Flags().Changed("resume") {
				if o.Resume, err = resumable(f.dir, resume, s.Name); err != nil {
					return exitError{exitUsage, err}
				}
			}
			return runAndPrint(cmd, o, func(folder string) error {
				recorded, err := openRun(cmd, f.dir, folder)
				if err != nil || len(recorded.Trials()) == 0 {
					return err
				}
				err = f.print(cmd, report.Run(recorded))
				fmt.Fprintf(cmd.ErrOrStderr(), "\nResults: %s\nTrials:  stratbench ls %s\n", folder, recorded.ID())
				return err
			})
		},
	})
	flags.add(cmd)
	parsed(cmd, &kind, "machine", "", machineHelp, machine.ParseKind)
	cmd.Flags().StringVar(&resume, "resume", "", "continue an interrupted run: its name, or the spec's newest run")
	cmd.Flags().Lookup("resume").NoOptDefVal = "latest"
	cmd.Flags().BoolVar(&asFound, "as-found", false, "if engines of yours answer, use only those, with the memory they have")
	cmd.Flags().BoolVar(&keepGoing, "keep-going", false, "go on when all warm-ups or all of the first block fail alike")
	return cmd
}

// runAndPrint runs, and prints whatever was recorded in the run's folder.
func runAndPrint(cmd *cobra.Command, o run.Options, printed func(folder string) error) error {
	show := newProgress(cmd.ErrOrStderr())
	o.Report = show.update
	folder, err := run.Run(cmd.Context(), o)
	show.close()
	switch {
	case errors.Is(err, results.ErrInUse):
		return exitError{exitUsage, err}
	case folder == "":
		return err
	}
	short, unprinted := inShort(err, folder), printed(folder)
	switch {
	case err != nil: // it decides the exit code, whatever can be printed
		return exitError{exitCode(err), errors.Join(short, unprinted)}
	case unprinted != nil:
		return exitError{exitFailed, fmt.Errorf("the run has ended, and what it recorded in %s cannot be shown: %w", folder, unprinted)}
	}
	return nil
}

// errorFile is the file in a run's folder with a long error that ended it.
const errorFile = "error.txt"

// inShort reduces an error of many lines to the most telling one, and writes all of
// it to the run's folder.
func inShort(err error, folder string) error {
	if err == nil || strings.Count(err.Error(), "\n") < 3 {
		return err
	}
	name := filepath.Join(folder, errorFile)
	text := fmt.Appendf(nil, "%s\n%v\n\n", time.Now().UTC().Format(time.RFC3339), err)
	if addTo(name, text) != nil {
		return err
	}
	return exitError{exitCode(err), errors.New(trial.ErrorInShort(err.Error()) + "; the full text is in " + name)}
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
	for _, dir := range slices.Backward(dirs) {
		if run.IsOf(dir, spec) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("no run of %s is in %s; start one without --resume", spec, root)
}
