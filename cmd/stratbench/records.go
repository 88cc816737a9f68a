package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/outcomes/triage"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/observations"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
)

func lsCommand() *cobra.Command {
	var f shared
	return f.add(&cobra.Command{
		Use:   "ls [RUN]",
		Short: "List the runs, or the trials of one",
		Long: `List the runs that were recorded or, with RUN, the trials of one. RUN is a
run's name, the beginning of its name, its folder, or "latest".`,
		Example: `  stratbench ls
  stratbench ls latest
  stratbench ls latest --output csv`,
		Args: takes(0, 1, "at most one run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				run, err := openRun(cmd, f.dir, args[0])
				if err != nil {
					return err
				}
				return f.print(cmd, report.Trials(run))
			}
			runs, err := readRuns(cmd, f.dir)
			if err != nil {
				return err
			}
			if len(runs) == 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "no run is recorded in %s; make one with: stratbench run experiments/quick.yaml\n", f.dir)
			}
			return f.print(cmd, report.Runs(runs))
		},
	})
}

func showCommand() *cobra.Command {
	var f shared
	return f.add(&cobra.Command{
		Use:   "show TRIAL",
		Short: "Show one trial: outcome, phases, images, tests, where its log is",
		Long: `Show one trial. TRIAL is a trial's name in the newest run (t003), or in another
run (RUN/t003).`,
		Example: `  stratbench show t003
  stratbench show 20260102-030405-quick/t003 --output json`,
		Args: takes(1, 1, "one trial"),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, record, err := openTrial(cmd, f.dir, args[0])
			if err != nil {
				return err
			}
			return f.print(cmd, report.Trial(run, record))
		},
	})
}

func triageCommand() *cobra.Command {
	var f shared
	return f.add(&cobra.Command{
		Use:   "triage TRIAL",
		Short: "Explain why a trial ended as it did: cause, what next, evidence, timeline",
		Long: `Explain why a trial ended as it did: the likely cause, what to try next, what
speaks against it, a table of evidence, and a timeline with the silent stretches
marked. TRIAL is a trial's name in the newest run (t003), or in another run
(RUN/t003).`,
		Example: `  stratbench triage t003
  stratbench triage 20260102-030405-quick/t003 --output markdown > crash.md`,
		Args: takes(1, 1, "one trial"),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, record, err := openTrial(cmd, f.dir, args[0])
			if err != nil {
				return err
			}
			if record.Kind == results.KindReference {
				return usage("%s is the reference workload, not a trial; stratbench ls %s lists the trials", record.Trial.ID, run.ID())
			}
			return f.print(cmd, triage.Of(run.ID(), record))
		},
	})
}

func faultsCommand() *cobra.Command {
	var f shared
	return f.add(&cobra.Command{
		Use:   "faults RUN...",
		Short: "Print how injected faults were classified",
		Long: `Print how the faults that were injected into runs were classified: the true
outcome beside the one that was found, how fast it was noticed, and how long
recovery took. make fault-matrix makes such runs.`,
		Example: "  stratbench faults latest --output markdown",
		Args:    takes(1, many, "at least one run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var runs []results.Run
			for _, name := range args {
				run, err := openRun(cmd, f.dir, name)
				if err != nil {
					return err
				}
				runs = append(runs, run)
			}
			return f.print(cmd, report.Faults(runs))
		},
	})
}

// openRun reads a run and reports what in it could not be read.
func openRun(cmd *cobra.Command, dir, name string) (results.Run, error) {
	folder, err := results.Find(dir, name)
	if err != nil {
		return results.Run{}, exitError{exitUsage, err}
	}
	run, err := results.ReadRun(folder)
	reportDamage(cmd, run.Damaged)
	return run, err
}

// mostReported is how many things of a kind are reported one by one.
const mostReported = 10

// reportDamage prints what could not be used. A run of another version has the same damage
// in each of its lines: of those the first is printed.
func reportDamage(cmd *cobra.Command, damaged []results.Damage) {
	for n := 0; len(damaged) > 0; n++ {
		if n == mostReported {
			fmt.Fprintf(cmd.ErrOrStderr(), "and %d more like these\n", len(damaged))
			return
		}
		first, alike := damaged[0], 1
		for alike < len(damaged) && damaged[alike].File == first.File && damaged[alike].Message == first.Message {
			alike++
		}
		text := first.String()
		if alike > 1 {
			text += fmt.Sprintf(" (and %d lines after it)", alike-1)
		}
		fmt.Fprintln(cmd.ErrOrStderr(), text)
		damaged = damaged[alike:]
	}
}

// readRuns reads all runs, and reports those that cannot be read.
func readRuns(cmd *cobra.Command, dir string) ([]results.Run, error) {
	folders, err := results.Runs(dir)
	if err != nil {
		return nil, err
	}
	var runs []results.Run
	for _, f := range folders {
		run, err := openRun(cmd, dir, f)
		if err != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), err)
			continue
		}
		runs = append(runs, run)
	}
	return runs, nil
}

func openTrial(cmd *cobra.Command, dir, name string) (results.Run, results.Record, error) {
	i := strings.LastIndex(name, "/")
	runName, id := name[:max(i, 0)], name[i+1:]
	run, err := openRun(cmd, dir, runName)
	if err != nil {
		return run, results.Record{}, err
	}
	record, found := run.Find(id)
	if !found {
		return run, record, usage("run %s has recorded no trial %q; stratbench ls %s lists its trials", run.ID(), id, run.ID())
	}
	return run, record, nil
}

var errNoTrial = errors.New("these runs have no measured trial yet: stratbench ls RUN lists what they recorded")

// gather reads runs, and files of observations, as one study; without names the
// newest run.
func gather(cmd *cobra.Command, dir string, names []string) (study.Study, error) {
	if len(names) == 0 {
		names = []string{"latest"}
	}
	var runs []results.Run
	for _, name := range names {
		if observations.Readable(name) {
			run, err := observations.Read(name)
			if err != nil {
				return study.Study{}, exitError{exitUsage, err}
			}
			for _, w := range run.Import.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
			}
			runs = append(runs, run)
			continue
		}
		folders, err := results.Published(name)
		if err != nil {
			return study.Study{}, err
		}
		if len(folders) == 0 {
			folders = []string{name}
		}
		for _, folder := range folders {
			run, err := openRun(cmd, dir, folder)
			if err != nil {
				return study.Study{}, err
			}
			runs = append(runs, run)
		}
	}
	gathered := study.Gather(runs)
	if len(gathered.Trials)+len(gathered.Estimates) == 0 {
		return gathered, exitError{exitUsage, errNoTrial}
	}
	return gathered, nil
}

func importCommand() *cobra.Command {
	var f shared
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Read past observations into a run of records marked imported",
		Long: `Read observations that stratbench did not make into a run's folder.

A CSV file has a header: a column for each factor, the column outcome, and any of
these columns whose values are known: trial (its name), kind (trial, warm-up,
injected-fault, reference, preparation, cluster, build-cache; only trials are
analysed), block, phase, timed_out, setup_seconds, lost_seconds (until a failure
was noticed), recovery_seconds, elapsed_seconds, tests_passed, tests_failed,
tests_total, peak_memory_bytes, went_on_after (the outcome of a crash after which
the set-up went on), estimate, simulated, message. ls RUN --output csv writes such
a file. A YAML file has a list "trials" with the same names as keys. Estimates are
never analysed.`,
		Example: `  stratbench import observations.csv
  stratbench import observations.yaml && stratbench report latest`,
		Args: takes(1, 1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !observations.Readable(args[0]) {
				return usage("%s is neither a .csv nor a .yaml file; give one of these", args[0])
			}
			var run results.Run
			err := host.Whole(func() (err error) {
				run, err = importFile(f.dir, args[0])
				return err
			})
			if err != nil {
				return err
			}
			for _, c := range run.Import.Contradictions {
				fmt.Fprintln(cmd.ErrOrStderr(), "contradiction:", c)
			}
			for _, w := range run.Import.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "observations imported: %d; see: stratbench report %s\n", len(run.Records), run.ID())
			_, err = fmt.Fprintln(cmd.OutOrStdout(), run.Dir)
			return err
		},
	}
	f.addDir(cmd)
	return cmd
}

// unfinished is the end of the name of a folder until it is whole.
const unfinished = ".new"

func importFile(dir, name string) (run results.Run, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return run, exitError{exitUsage, err}
	}
	if run, err = observations.Parse(filepath.Base(name), text); err != nil {
		return run, exitError{exitUsage, err}
	}
	now, extension := time.Now(), filepath.Ext(name)
	run.Dir = filepath.Join(dir, now.UTC().Format("20060102-150405")+"-"+strings.TrimSuffix(filepath.Base(name), extension))
	run.Environment.RunID, run.Environment.Started = run.ID(), now
	for i := range run.Records {
		run.Records[i].RunID = run.ID()
	}
	ofKilled, _ := filepath.Glob(filepath.Join(dir, "."+strings.Repeat("[0-9]", 8)+"-"+strings.Repeat("[0-9]", 6)+"-*"+unfinished))
	for _, part := range ofKilled {
		if info, err := os.Stat(part); err == nil && time.Since(info.ModTime()) > time.Minute && !results.InUse(part) {
			_ = os.RemoveAll(part) // the next import tries again
		}
	}
	part := filepath.Join(dir, "."+run.ID()+unfinished) // it gets its name once it is whole
	for _, name := range []string{run.Dir, part} {
		if _, err := os.Stat(name); err == nil {
			return run, usage("%s exists already; wait a second and try again", name)
		}
	}
	j, err := results.OpenJournal(part)
	if err != nil {
		return run, err
	}
	err = errors.Join(j.WriteFileOnce("source"+extension, text), j.WriteOnce(results.ImportFile, run.Import),
		j.WriteOnce(results.PlanFile, run.Plan), j.Append(run.Records...))
	if err == nil { // last: a folder without an environment is no run
		err = j.WriteOnce(results.EnvironmentFile, run.Environment)
	}
	if err = errors.Join(err, j.Close()); err != nil {
		return run, errors.Join(err, os.RemoveAll(part))
	}
	return run, os.Rename(part, run.Dir)
}
