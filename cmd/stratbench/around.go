package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/lab"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
)

func labCommand() *cobra.Command {
	var install, ifNeeded bool
	cmd := &cobra.Command{
		Use:         "lab",
		Annotations: map[string]string{tearsDown: always},
		Short:       "Build what isolated machines start from: engines, node image, base images",
		Long: `Build engine roots, a Kind node image and base images, and from them the states of
Podman and Docker that isolated machines start from. They are kept in your cache
folder and rebuilt only when their inputs change; stratbench run does the same when
something is missing.`,
		Example: "  stratbench lab --install-missing",
		Args:    takes(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			began := time.Now()
			if ifNeeded {
				why, needed, err := run.NeedsLab(cmd.Context())
				if err != nil {
					return exitError{exitUsage, err}
				}
				if !needed {
					fmt.Fprintln(cmd.ErrOrStderr(), "no lab is needed:", why)
					return nil
				}
			}
			show := newProgress(cmd.ErrOrStderr())
			defer show.close()
			if install {
				show.update(run.Update{Preparing: &run.Preparation{What: "checking for what the lab needs"}})
				if err := lab.InstallPrerequisites(cmd.Context(), show); err != nil {
					return exitError{exitUsage, err}
				}
			}
			if err := run.PrepareLab(cmd.Context(), show.update); err != nil {
				return err
			}
			show.note(fmt.Sprintf("the lab is ready after %s", time.Since(began).Round(100*time.Millisecond)))
			return nil
		},
	}
	cmd.Flags().BoolVar(&install, "install-missing", false, "install Debian packages that are missing")
	cmd.Flags().BoolVar(&ifNeeded, "if-needed", false, "do nothing if engines of yours can be used")
	return cmd
}

func cleanCommand() *cobra.Command {
	var f shared
	var yes bool
	cmd := f.addOutput(&cobra.Command{
		Use:         "clean",
		Annotations: map[string]string{tearsDown: always},
		Short:       "List what killed runs left on your engines, and remove it with --yes",
		Long: `List what killed runs left on your Docker and Podman and on this host: clusters,
networks, names of images, images of build steps, the lock on the engine, folders.
With --yes, remove what a record on this host or the lock on the engine proves to
be a killed run's. Nothing that belongs to a run in progress, or that may be yours,
is removed; the list shows what stays and why. The next run on the same engine
removes the same things before it begins.

If another host holds the lock, run clean there, or remove the lock with
docker volume rm stratbench-lock (or podman).`,
		Example: `  stratbench clean
  stratbench clean --yes`,
		Args: takes(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			remnants, err := run.Clean(cmd.Context(), yes, newProgress(cmd.ErrOrStderr()).update)
			t := report.Table{Header: []string{"place", "kind", "name", "run", "stays because"}, Data: append([]run.Remnant{}, remnants...)}
			going := 0
			for _, r := range remnants {
				t.Rows = append(t.Rows, []string{r.Place, r.Kind, r.Name, r.Run, r.Stays})
				if r.Stays == "" {
					going++
				}
			}
			if err := errors.Join(err, f.print(cmd, t)); err != nil {
				return err
			}
			switch {
			case len(remnants) == 0:
				fmt.Fprintln(cmd.ErrOrStderr(), "killed runs left nothing here")
			case yes:
				fmt.Fprintf(cmd.ErrOrStderr(), "removed: %d of %d\n", going, len(remnants))
			case going > 0:
				fmt.Fprintf(cmd.ErrOrStderr(), "stratbench clean --yes removes %d of %d\n", going, len(remnants))
			}
			return nil
		},
	})
	cmd.Flags().BoolVar(&yes, "yes", false, "remove what killed runs left")
	return cmd
}

func schemaCommand() *cobra.Command {
	others := []struct {
		flag, help string
		schema     func() []byte
	}{
		{"workload", "print the schema of a workload file instead", spec.WorkloadSchema},
		{"analysis", "print the schema of analysis.json, which report --out writes, instead", study.JSONSchema},
		{"check", "print the schema of check --output json instead", history.CheckJSONSchema},
		{"history", "print the schema of history --output json instead", history.ReviewJSONSchema},
	}
	cmd := &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of a spec, for an editor",
		Example: "  stratbench schema > stratbench.schema.json",
		Args:    takes(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			text := spec.Schema()
			for _, o := range others {
				if wanted, _ := cmd.Flags().GetBool(o.flag); wanted {
					text = o.schema()
				}
			}
			_, err := cmd.OutOrStdout().Write(text)
			return err
		},
	}
	for _, o := range others {
		cmd.Flags().Bool(o.flag, false, o.help)
	}
	return cmd
}

func markCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "mark PHASE start|end",
		Short: "Mark, inside a set-up command, the start or end of a phase",
		Long: `Mark the start or end of a phase: cluster, build, load, deploy or test. It is for
the set-up command of a workload (setup.command), and does nothing outside of a
trial, so that the command may always call it. A shell can append the line by
itself: echo build start >>"$` + pipeline.MarksVariable + `"`,
		Example: `  stratbench mark build start
  stratbench mark build end`,
		Args: takes(2, 2, "a phase, and start or end"),
		RunE: func(_ *cobra.Command, args []string) error {
			phase, file := trial.Phase(args[0]), os.Getenv(pipeline.MarksVariable)
			switch {
			case !slices.Contains(trial.Phases(), phase):
				return usage("%q is not a phase; the phases are cluster, build, load, deploy and test", args[0])
			case args[1] != "start" && args[1] != "end":
				return usage("%q is neither start nor end; write one of them", args[1])
			case file == "":
				return nil
			}
			return pipeline.WriteMark(file, phase, args[1])
		},
	}
}

func workerCommand() *cobra.Command {
	return &cobra.Command{
		Use:         run.WorkerCommand,
		Annotations: map[string]string{tearsDown: always},
		Short:       "Run one trial's pipeline; started by run",
		Hidden:      true,
		Args:        takes(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run.Work(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}
