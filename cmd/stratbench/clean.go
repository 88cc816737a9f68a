package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/results/report"
)

func cleanCommand() *cobra.Command {
	var output outputFlag
	var yes bool
	cmd := &cobra.Command{
		Use:   "clean",
		Short: "List what killed runs left on your engines, and remove it with --yes",
		Long: `List what runs that were killed left on your Docker and Podman and on this
host: clusters, networks, names of images, images of build steps, the lock on
the engine, folders. With --yes, remove what a record on this host, or the lock
on the engine, shows to be a killed run's. Nothing of a run that is alive, and
nothing that may be yours, is removed; the list says what stays and why. The
next run on the same engine does the same before it begins.

A lock that is held on another host is removed there, or with
docker volume rm stratbench-lock.`,
		Example: `  stratbench clean
  stratbench clean --yes`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, args []string) error {
			note := newProgress(cmd.ErrOrStderr()).note
			remnants, err := run.Clean(cmd.Context(), yes, note)
			if written := output.write(cmd, remnantTable(remnants)); err == nil {
				err = written
			}
			going := 0
			for _, r := range remnants {
				if r.Stays == "" {
					going++
				}
			}
			switch {
			case err != nil:
			case len(remnants) == 0:
				fmt.Fprintln(cmd.ErrOrStderr(), "killed runs left nothing here")
			case yes:
				fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d are removed\n", going, len(remnants))
			case going > 0:
				fmt.Fprintf(cmd.ErrOrStderr(), "stratbench clean --yes removes %d of %d\n", going, len(remnants))
			}
			return err
		},
	}
	output.add(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "remove it")
	return cmd
}

func remnantTable(remnants []run.Remnant) report.Table {
	if remnants == nil {
		remnants = []run.Remnant{}
	}
	t := report.Table{Header: []string{"place", "kind", "name", "run", "stays because"}, Data: remnants}
	for _, r := range remnants {
		t.Rows = append(t.Rows, []string{r.Place, r.Kind, r.Name, r.Run, r.Stays})
	}
	return t
}
