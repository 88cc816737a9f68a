// Command stratbench runs experiments on the slow part of Kubernetes E2E
// suites: building images, creating a Kind cluster, loading, deploying,
// testing.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

func main() {
	isolated.Main()
	os.Stderr = lasting(os.Stderr)
	kindcluster.Main()
	ctx, stop := interruptible()
	err := rootCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "stratbench:", err)
	}
	os.Exit(exitCode(err))
}

// lasting is the same file by another number. Go ends a program that writes to
// number 1 or 2 when nobody reads it any more, such as after an ssh connection
// without a terminal has dropped: a run would end in the middle of a trial.
func lasting(f *os.File) *os.File {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return f
	}
	return os.NewFile(uintptr(fd), f.Name())
}

// interruptible returns a context that the first Ctrl-C, SIGTERM or SIGHUP
// ends, so that everything is torn down and recorded. The second ends the
// program at once; what it leaves is removed by the next start, and by clean. A
// program that was started with nohup goes on without its terminal.
func interruptible() (context.Context, context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	go func() {
		<-ctx.Done()
		stop()
	}()
	return ctx, stop
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "stratbench",
		Short: "Benchmark and experiment runner for the setup of Kubernetes E2E suites",
		Long: `stratbench builds a suite's images, creates a Kind cluster, loads, deploys and
tests, on real engines, for every combination of runtime, memory limit and
strategy that an experiment names, and says which to use.`,
		Example: `  stratbench doctor                        what this machine can run
  stratbench run experiments/quick.yaml    a short experiment
  stratbench report latest                 what to use, and how sure that is`,
		Version:       results.Version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noSuchCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath())}
	})
	cobra.EnableCommandSorting = false
	root.SuggestionsMinimumDistance = 2
	root.CompletionOptions.HiddenDefaultCmd = true
	for _, g := range []struct {
		title string
		of    []*cobra.Command
	}{
		{"Measure:", []*cobra.Command{doctorCommand(), validateCommand(), planCommand(), runCommand(), compareCommand()}},
		{"Read what came out:", []*cobra.Command{reportCommand(), lsCommand(), showCommand(), triageCommand(), faultsCommand(), importCommand(), lintCommand()}},
		{"Night by night:", []*cobra.Command{checkCommand(), confirmCommand(), historyCommand(), baselineCommand(), mergeCommand()}},
		{"Logs and reports of any CI:", []*cobra.Command{classifyCommand()}},
		{"Around it:", []*cobra.Command{labCommand(), cleanCommand(), schemaCommand(), markCommand()}},
	} {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, c := range g.of {
			c.GroupID = g.title
			root.AddCommand(c)
		}
	}
	root.AddCommand(workerCommand(), &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodeTable(ofAll)})
	return root
}

// replaced are commands that there were, and what has their place.
var replaced = map[string]string{
	"analyze": "stratbench report --full",
	"decide":  "stratbench report",
	"explain": "stratbench report",
	"power":   "stratbench plan, which says what a plan can decide",
}

// noSuchCommand is for words that are no command's name.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("there is no command %q", args[0])
	if instead := replaced[args[0]]; instead != "" {
		return usageError{fmt.Errorf("%s any more; use %s", text, instead)}
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += fmt.Sprintf("; did you mean %s?", near[0])
	}
	return usageError{fmt.Errorf("%s; see: stratbench --help", text)}
}

// exactly is cobra.ExactArgs with an error that says what is missing.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("%s takes %s; see: %s --help", cmd.CommandPath(), what, cmd.CommandPath())}
		}
		return nil
	}
}

// atMost is cobra.MaximumNArgs with an error that says what is taken.
func atMost(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usageError{fmt.Errorf("%s takes %s; see: %s --help", cmd.CommandPath(), what, cmd.CommandPath())}
		}
		return nil
	}
}

// atLeastOne is cobra.MinimumNArgs with an error that says what is taken.
func atLeastOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError{fmt.Errorf("%s takes %s; see: %s --help", cmd.CommandPath(), what, cmd.CommandPath())}
		}
		return nil
	}
}
