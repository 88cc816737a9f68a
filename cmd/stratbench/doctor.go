package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

func doctorCommand() *cobra.Command {
	var output outputFlag
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine can run, and what to do about what it cannot",
		Long: `Look for engines that run here and for what isolated machines need. Nothing is
changed. Exits 0 when an experiment on some kind of machine can run, and 2 when
none can.`,
		Example: "  stratbench doctor",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, args []string) error {
			checks := append(engineChecks(cmd.Context()), isolated.Checks()...)
			if err := output.write(cmd, checkTable(checks)); err != nil {
				return err
			}
			return verdictOf(cmd)
		},
	}
	output.add(cmd)
	return cmd
}

// engineChecks look for the user's engines, without which isolated machines
// have their own.
func engineChecks(ctx context.Context) (checks []isolated.Check) {
	for _, rt := range trial.Runtimes() {
		c := isolated.Check{Name: "your " + string(rt), Optional: true}
		engines, err := machine.Engines(ctx, rt)
		if c.OK = err == nil; c.OK {
			c.Detail = fmt.Sprintf("runs at %s", engines[rt])
		} else {
			c.Detail, c.Cure = err.Error(), "nothing, where isolated machines can be had"
		}
		checks = append(checks, c)
	}
	return checks
}

func checkTable(checks []isolated.Check) report.Table {
	t := report.Table{Header: []string{"check", "state", "found", "what to do"}, Data: checks}
	for _, c := range checks {
		state, cure := "good", ""
		switch {
		case !c.OK && c.Optional:
			state, cure = "absent", c.Cure
		case !c.OK:
			state, cure = "MISSING", c.Cure
		}
		t.Rows = append(t.Rows, []string{c.Name, state, c.Detail, cure})
	}
	return t
}

// verdictOf says for each runtime on what kind of machine it can run.
func verdictOf(cmd *cobra.Command) error {
	possible := 0
	for _, rt := range trial.Runtimes() {
		choice, err := machine.Detect(cmd.Context(), rt)
		if err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s cannot run: %v\n", rt, err)
			continue
		}
		possible++
		fmt.Fprintf(cmd.ErrOrStderr(), "%s would run on: %s, because %s\n", rt, choice.Kind, choice.Reason)
	}
	if possible == 0 {
		return usageError{fmt.Errorf("this machine can run no experiment as it is; the table says what to do")}
	}
	return nil
}
