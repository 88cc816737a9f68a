// Command stratbench runs experiments on the slow part of Kubernetes E2E
// suites: building images, creating a Kind cluster, loading, deploying,
// testing.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

func main() {
	isolated.Main()
	os.Stderr = lasting(os.Stderr)
	kindcluster.Main()
	ctx, stop := interruptible()
	err := execute(ctx, rootCommand())
	host.AwaitWhole()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, printed(err))
	}
	os.Exit(exitCode(err))
}

// printed is the text of an error. Issues begin with their positions, as those of
// compilers do; anything else begins with the program's name.
func printed(err error) string {
	if issues, is := errors.AsType[*issue.List](err); is && issues.List[0].File != "" && strings.HasPrefix(err.Error(), issues.List[0].String()) {
		return err.Error()
	}
	return "stratbench: " + err.Error()
}

// lasting is the same file under another number. Go ends a program that writes to
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

// tearsDown is the annotation of commands that have something to take down and to record
// when they are stopped: always, or if they have the flag of that name.
const (
	tearsDown = "tears down"
	always    = "always"
)

// execute runs the command. Unless it tears something down, the first signal ends it at
// once: it could not know what it has not looked at yet. What it writes is whole or not there.
func execute(ctx context.Context, root *cobra.Command) error {
	var patient atomic.Bool
	root.PersistentPreRun = func(cmd *cobra.Command, _ []string) {
		when := cmd.Annotations[tearsDown]
		patient.Store(when == always || when != "" && cmd.Flags().Changed(when))
		if patient.Load() && os.Getenv("GOGC") == "" {
			debug.SetGCPercent(25) // it runs beside engines and clusters, in the same memory
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	if patient.Load() {
		return <-ended
	}
	return context.Cause(ctx)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "stratbench",
		Short: "Benchmark and experiment runner for the setup of Kubernetes E2E suites",
		Long: `stratbench builds a suite's images, creates a Kind cluster, loads, deploys and
tests, on real engines, for every combination of runtime, memory limit and
strategy that an experiment names, and says which to use.`,
		Example: `  stratbench doctor                        what this host can run
  stratbench run experiments/quick.yaml    a short experiment
  stratbench report latest                 what to use, and how sure that is`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noSuchCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if invalid, is := errors.AsType[*pflag.InvalidValueError](err); is {
			switch f := invalid.GetFlag(); f.Value.Type() {
			case "duration":
				err = fmt.Errorf("--%s is %q, which is not a duration; write a number and a unit, such as 30m", f.Name, invalid.GetValue())
			case "int", "uint":
				err = fmt.Errorf("--%s is %q; write a whole number", f.Name, invalid.GetValue())
			}
		}
		return usage("%w; see: %s --help", err, cmd.CommandPath())
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
		{"Everything else:", []*cobra.Command{labCommand(), cleanCommand(), schemaCommand(), markCommand(), versionCommand()}},
	} {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, c := range g.of {
			c.GroupID = g.title
			root.AddCommand(c)
		}
	}
	root.AddCommand(workerCommand(), &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodeTable("")})
	return root
}

// version is this program's version, with what it was built from.
func version() string {
	revision := "not recorded"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	return fmt.Sprintf("%s, revision %s, %s", results.Version(), revision, runtime.Version())
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the revision and the Go of this program",
		Args:  takes(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "stratbench version", version())
			return err
		},
	}
}

// noSuchCommand refuses words that are no command's name.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usage("there is no command %q; did you mean %s? See: stratbench --help", args[0], near[0])
	}
	return usage("there is no command %q; see: stratbench --help", args[0])
}

// takes checks the number of arguments; what describes them.
func takes(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usage("%s takes %s; see: %s --help", cmd.CommandPath(), what, cmd.CommandPath())
		}
		return nil
	}
}

// many is no bound on the number of arguments.
const many = math.MaxInt

// shared are flags of most commands: --dir, the folder that holds the runs, and
// --output.
type shared struct {
	dir    string
	format report.Format
}

func (f *shared) add(cmd *cobra.Command) *cobra.Command {
	f.addDir(cmd)
	return f.addOutput(cmd)
}

const defaultResults = "results/data"

func (f *shared) addDir(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.dir, "dir", defaultResults, "folder that holds the runs")
}

// addOutput adds --output.
func (f *shared) addOutput(cmd *cobra.Command) *cobra.Command {
	f.format = report.FormatTable
	parsed(cmd, &f.format, "output", "o", "`format`: table (default), json, csv or markdown", report.ParseFormat)
	return cmd
}

func (f *shared) print(cmd *cobra.Command, t interface {
	Write(io.Writer, report.Format) error
}) error {
	return t.Write(cmd.OutOrStdout(), f.format)
}

// parsed adds a flag whose text a function reads. What does not exist is refused with the
// flags, before any work is done.
func parsed[T any](cmd *cobra.Command, value *T, name, short, help string, parse func(string) (T, error)) {
	cmd.Flags().FuncP(name, short, help, func(text string) (err error) {
		*value, err = parse(text)
		return err
	})
}

const machineHelp = "`type` of machine: auto, host, isolated or podman-machine, instead of the spec's"
