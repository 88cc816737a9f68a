package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/study"
	"github.com/stratbench/stratbench/runtimes/machine"
)

func validateCommand() *cobra.Command {
	var kind machine.Kind
	cmd := &cobra.Command{
		Use:   "validate SPEC...",
		Short: "Report every issue of a spec, each with file, line and column",
		Long: `Report every issue of a spec, its workload and all that its trials read: the
Kind configuration, Dockerfiles and their contexts, manifests, the test
command. They are held against the machine on which run would run them here.
Nothing is created. What may go wrong is a warning, and does not change the
exit code.`,
		Example: `  stratbench validate experiments/*.yaml
  stratbench validate experiments/quick.yaml --machine isolated`,
		Args: atLeastOne("one spec or more"),
		RunE: func(cmd *cobra.Command, args []string) error {
			all := &issue.List{}
			for _, file := range args {
				if err := validate(cmd, file, kind); err != nil {
					all.AddError(err)
				}
			}
			return all.Err()
		},
	}
	addMachineFlag(cmd, &kind)
	return cmd
}

func validate(cmd *cobra.Command, file string, kind machine.Kind) error {
	spec, err := spec.Load(file)
	if err != nil {
		return err
	}
	p := plan.Make(spec, 0)
	seen, err := inspect(cmd, run.Options{Spec: spec, Plan: p, Machine: kind})
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: good: %d cells, %d blocks, %d trials; machine: %s\n", file, len(p.Cells), p.Blocks, len(p.Trials), seen.Machine)
	return nil
}

// inspect holds an experiment against this machine and prints the warnings.
// Which machine that is stands in the first line of an error.
func inspect(cmd *cobra.Command, o run.Options) (run.Inspected, error) {
	seen, err := run.Inspect(cmd.Context(), o)
	for _, w := range seen.Warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
	}
	if err != nil && seen.Machine != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: held against the machine %s\n", o.Spec.Path, seen.Machine)
	}
	return seen, err
}

// machineFlag is --machine; a kind that does not exist is refused with the flags.
type machineFlag struct{ kind *machine.Kind }

func addMachineFlag(cmd *cobra.Command, kind *machine.Kind) {
	cmd.Flags().Var(machineFlag{kind}, "machine", "auto, host, isolated or podman-machine, instead of the spec's")
}

// String, Set and Type make a flag of it.
func (m machineFlag) String() string {
	if m.kind == nil {
		return ""
	}
	return string(*m.kind)
}

func (m machineFlag) Type() string { return "string" }

func (m machineFlag) Set(text string) (err error) {
	*m.kind, err = machine.ParseKind(text)
	return err
}

func schemaCommand() *cobra.Command {
	var workload, analysis, check, review bool
	cmd := &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of a spec, for an editor",
		Example: "  stratbench schema > stratbench.schema.json",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text := spec.Schema()
			if workload {
				text = spec.WorkloadSchema()
			}
			if analysis {
				text = study.JSONSchema()
			}
			if check {
				text = history.CheckJSONSchema()
			}
			if review {
				text = history.ReviewJSONSchema()
			}
			_, err := cmd.OutOrStdout().Write(text)
			return err
		},
	}
	cmd.Flags().BoolVar(&workload, "workload", false, "the schema of a workload's file instead")
	cmd.Flags().BoolVar(&analysis, "analysis", false, "the schema of analysis.json, which report --out writes, instead")
	cmd.Flags().BoolVar(&check, "check", false, "the schema of what check --output json writes instead")
	cmd.Flags().BoolVar(&review, "history", false, "the schema of what history --output json writes instead")
	return cmd
}
