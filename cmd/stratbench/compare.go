package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/runtimes/machine"
)

type comparison struct {
	commands         []string
	names            []string
	runs, warmUps    int
	prepare, cleanup string
	timeout, silence time.Duration
	runtime          string
}

func compareCommand() *cobra.Command {
	var f shared
	var c comparison
	var kind machine.Kind
	var seed uint64
	cmd := f.add(&cobra.Command{
		Use:         "compare COMMAND...",
		Annotations: map[string]string{tearsDown: always},
		Short:       "Compare set-up commands as they are, with no file to write",
		Long: `Run set-up commands as they are, by sh -c in this folder, in randomised blocks:
each block runs every command once. A command that fails, hangs or crashes its
engine is a result. At the end, stratbench recommends one, as report does.

KUBECONFIG, KIND_CLUSTER_NAME and the engine's variables direct kind and the engine's
own commands to the trial's cluster and engine; clusters that a command leaves behind
are removed. Phases are recorded if the command calls stratbench mark PHASE start|end.
For anything more, write a workload with setup.command. To continue an interrupted
comparison: stratbench run RUN_FOLDER/spec.yaml --resume

` + exitCodeTable("compare"),
		Example: `  stratbench compare 'make up BUILDS=1' 'make up BUILDS=3'
  stratbench compare -r 20 -p 'make clean' -c 'make down' ./up-serial.sh ./up-parallel.sh`,
		Args: takes(1, many, "commands, each as one argument in quotes"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.commands = args
			switch {
			case c.runs < 1 || c.warmUps < 0:
				return usage("--runs must be at least 1, and --warmup not negative")
			case len(c.names) == 0:
				c.names = shortNames(args)
			case len(c.names) != len(args):
				return usage("commands: %d, names: %d; give --command-name once for each command, or not at all", len(args), len(c.names))
			}
			cache, err := run.CacheDir()
			if err != nil {
				return err
			}
			here, err := os.Getwd()
			if err != nil {
				return fmt.Errorf("finding this folder: %w", err)
			}
			scratch, err := run.NewScratch(cache)
			if err != nil {
				return err
			}
			defer scratch.Close() // the run has kept both files
			s, err := c.spec(cmd, scratch.Dir, here)
			if err != nil {
				return err
			}
			o := run.Options{Spec: s, Plan: plan.Make(s, chosenSeed(cmd, s, seed)), Root: f.dir, Sources: here, Machine: kind}
			return runAndPrint(cmd, o, func(folder string) error {
				gathered, err := gather(cmd, f.dir, []string{folder})
				if err != nil || len(gathered.Trials) == 0 {
					return err
				}
				if a, noAnswer := answer.Of(gathered, 0); noAnswer == nil {
					err = f.print(cmd, report.Answer(gathered, a))
				} else {
					err = f.print(cmd, report.Run(gathered.Runs[0]))
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "\nResults: %s\nReport:  stratbench report %s -o report\n", folder, filepath.Base(folder))
				return err
			})
		},
	})
	flags := cmd.Flags()
	flags.IntVarP(&c.runs, "runs", "r", 10, "how often to run each command")
	flags.IntVarP(&c.warmUps, "warmup", "w", 1, "trials that run first and are not counted")
	flags.StringVarP(&c.prepare, "prepare", "p", "", "command to run before each trial, not timed")
	flags.StringVarP(&c.cleanup, "cleanup", "c", "", "command to run after each trial, not timed")
	flags.StringArrayVarP(&c.names, "command-name", "n", nil, "name of a command; give one for each, in their order")
	flags.DurationVar(&c.timeout, "timeout", time.Hour, "how long a command may take")
	flags.DurationVar(&c.silence, "silence", 10*time.Minute, "how long a command may print nothing")
	flags.StringVar(&c.runtime, "runtime", "", "docker or podman (default: the one that answers here, docker if both do)")
	flags.Uint64Var(&seed, "seed", 0, "seed of the trial order (default: a random one)")
	parsed(cmd, &kind, "machine", "", machineHelp, machine.ParseKind)
	return cmd
}

// spec is an experiment whose only factor is the command, which runs here. Its files are
// written to the folder.
func (c comparison) spec(cmd *cobra.Command, folder, here string) (*spec.Spec, error) {
	if c.runtime == "" {
		c.runtime = string(trial.Docker)
		if answering := machine.Look(cmd.Context(), trial.Runtimes()...).Answering(); len(answering) > 0 && !slices.Contains(answering, trial.Docker) {
			c.runtime = string(answering[0])
		}
	}
	shell := func(command string) []string { return []string{"sh", "-c", command} }
	var levels []any
	for i, command := range c.commands {
		levels = append(levels, map[string]any{"name": c.names[i], "value": shell(command)})
	}
	setup := map[string]any{"command": shell(c.commands[0]), "dir": here, "timeout": c.timeout.String(), "silence": c.silence.String()}
	if c.prepare != "" {
		setup["prepare"] = shell(c.prepare)
	}
	if c.cleanup != "" {
		setup["cleanup"] = shell(c.cleanup)
	}
	path := filepath.Join(folder, "compare.yaml")
	err := errors.Join(writeYAML(path, map[string]any{
		"apiVersion": spec.APIVersion, "name": "compare", "workload": "workload.yaml",
		"description": "stratbench compare " + strings.Join(c.commands, " | "),
		"factors":     map[string]any{"workload.setup.command": levels},
		"settings":    map[string]any{"runtime": c.runtime},
		"design":      map[string]any{"replicates": c.runs, "warmUp": c.warmUps},
	}), writeYAML(filepath.Join(folder, "workload.yaml"), map[string]any{"apiVersion": spec.APIVersion, "setup": setup}))
	if err != nil {
		return nil, err
	}
	return spec.Load(path)
}

func writeYAML(path string, value any) error {
	text, err := yaml.Marshal(value)
	if err == nil {
		err = os.WriteFile(path, text, 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing the experiment: %w", err)
	}
	return nil
}

// longestName bounds a name in tables.
const longestName = 60

// shortNames distinguish commands: short ones by all of their words, others
// without the words that all have at their beginning and end. A command that sets
// something is named by what it sets.
func shortNames(commands []string) []string {
	var words [][]string
	least := math.MaxInt
	for _, command := range commands {
		words = append(words, strings.Fields(command))
		least = min(least, len(words[len(words)-1]))
	}
	long := func(command string) bool { // too long to be its own name
		return strings.Contains(command, "=") || utf8.RuneCountInString(command) > 24
	}
	if len(words) > 1 && slices.ContainsFunc(commands, long) {
		same := func(at func(w []string) string) bool {
			return !slices.ContainsFunc(words, func(w []string) bool { return at(w) != at(words[0]) })
		}
		from, behind := 0, 0
		for from < least-1 && same(func(w []string) string { return w[from] }) {
			from++
		}
		for behind < least-1-from && same(func(w []string) string { return w[len(w)-1-behind] }) {
			behind++
		}
		for i, w := range words {
			words[i] = w[from : len(w)-behind]
		}
	}
	names := make([]string, len(commands))
	for i := range words {
		name := strings.Join(words[i], " ")
		if strings.Contains(name, "=") {
			name = strings.ReplaceAll(name, " ", "_") // or a cell's key could be read in two ways
		}
		if r := []rune(name); len(r) > longestName {
			name = string(r[:longestName]) + "…"
		}
		if name == "" || slices.Contains(names[:i], name) {
			name = fmt.Sprintf("%s#%d", name, i+1)
		}
		names[i] = name
	}
	return names
}
