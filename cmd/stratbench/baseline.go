package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/report"
)

func baselineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "baseline",
		Short: "Say what runs are judged against: accept a change, or start anew",
		Long: `Keep decisions about what runs are judged against in the history itself, with
who made them, when and why. A change that was accepted is no longer reported.`,
		Example: `  stratbench baseline accept 0a1b2c3d --reason "the new node image is worth it"
  stratbench baseline set 20261112-020000-nightly --reason "new disks"
  stratbench baseline show`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(baselineSetCommand(), baselineShowCommand(), baselineAcceptCommand())
	return cmd
}

// decisionFlags say who decides and why.
type decisionFlags struct {
	historyFlags
	reason, who string
}

func (f *decisionFlags) add(cmd *cobra.Command) {
	f.historyFlags.add(cmd)
	cmd.Flags().StringVar(&f.reason, "reason", "", "why; kept with the decision")
	cmd.Flags().StringVar(&f.who, "who", "", "who decides (default: git's user, or the system's)")
}

func (f *decisionFlags) check(cmd *cobra.Command) error {
	if strings.TrimSpace(f.reason) == "" {
		return usageError{errors.New("--reason is missing: say why, for those who read the history later")}
	}
	if f.who == "" {
		f.who = whoAmI(cmd)
	}
	return nil
}

func whoAmI(cmd *cobra.Command) string {
	if name, err := exec.CommandContext(cmd.Context(), "git", "config", "user.name").Output(); err == nil && len(strings.TrimSpace(string(name))) > 0 {
		return strings.TrimSpace(string(name))
	}
	return os.Getenv("USER")
}

func baselineSetCommand() *cobra.Command {
	var flags decisionFlags
	cmd := &cobra.Command{
		Use:     "set [RUN] --reason WHY",
		Short:   "Judge runs by none before RUN",
		Long:    `Make RUN, or the newest one, the first that others are judged against.`,
		Example: `  stratbench baseline set 20261112 --reason "new disks"`,
		Args:    atMost(1, "at most one run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.check(cmd); err != nil {
				return err
			}
			h, err := flags.open(cmd)
			if err != nil {
				return err
			}
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			run, err := h.Find(flags.experiment, flags.host, name)
			if err != nil {
				return usageError{err}
			}
			b, err := h.SetBaseline(run, flags.reason, flags.who, time.Now())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: runs of %s are judged by none before %s\n", b.ID, b.Experiment, b.RunID)
			return err
		},
	}
	flags.add(cmd)
	return cmd
}

func baselineShowCommand() *cobra.Command {
	var flags historyFlags
	var output outputFlag
	cmd := &cobra.Command{
		Use:   "show",
		Short: "List the decisions",
		Args:  exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := flags.open(cmd)
			if err != nil {
				return err
			}
			return output.write(cmd, report.Baselines(h.Decisions(flags.experiment, flags.host)))
		},
	}
	flags.add(cmd)
	output.add(cmd)
	return cmd
}

func baselineAcceptCommand() *cobra.Command {
	var flags decisionFlags
	var pattern history.Pattern
	cmd := &cobra.Command{
		Use:   "accept [ID] --reason WHY",
		Short: "Accept a change, so that it is no longer reported",
		Long: `Accept the change with the ID that stratbench check shows, or all that are shown
of the cells and metrics named: from the run since which it holds, its series is
compared with no run before.`,
		Example: `  stratbench baseline accept 0a1b2c3d --reason "more tests"
  stratbench baseline accept --cell 'runtime=podman*' --metric setup --reason "Podman 5.5"`,
		Args: atMost(1, "at most one id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				pattern.ID = args[0]
			}
			if pattern == (history.Pattern{}) {
				return usageError{errors.New("say what to accept: an id that stratbench check shows, --cell or --metric; --cell '*' is all")}
			}
			if err := flags.check(cmd); err != nil {
				return err
			}
			return accept(cmd, &flags, pattern)
		},
	}
	flags.add(cmd)
	flags.addThreshold(cmd)
	cmd.Flags().StringVar(&pattern.Cell, "cell", "", "cells whose changes are accepted, such as 'runtime=podman*'")
	cmd.Flags().StringVar(&pattern.Metric, "metric", "", "metrics whose changes are accepted, such as setup")
	return cmd
}

func accept(cmd *cobra.Command, flags *decisionFlags, pattern history.Pattern) error {
	o, err := flags.options()
	if err != nil {
		return err
	}
	h, err := flags.open(cmd)
	if err != nil {
		return err
	}
	c, err := h.Check(flags.experiment, flags.host, o)
	if err != nil {
		return err
	}
	accepted := 0
	for _, f := range c.Findings {
		if !pattern.Matches(f) {
			continue
		}
		if _, err := h.Accept(flags.experiment, flags.host, f, flags.reason, flags.who, time.Now()); err != nil {
			return err
		}
		accepted++
		fmt.Fprintln(cmd.OutOrStdout(), "accepted:", report.FindingText(f))
	}
	if accepted == 0 {
		return usageError{errors.New("nothing that stratbench check reports now is meant by that; nothing was accepted")}
	}
	return nil
}
