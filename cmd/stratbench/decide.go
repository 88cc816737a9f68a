package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/report"
)

// priorityFlags say what is wanted of a strategy.
type priorityFlags struct {
	environment string
	maxCrash    string
	quantile    float64
	recovery    time.Duration
}

func (f *priorityFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.environment, "environment", "local", "local: least mean time; ci: least 90 % quantile with at most 5 % failures")
	cmd.Flags().StringVar(&f.maxCrash, "max-crash-rate", "", "highest acceptable share of failed set-ups, such as 1%, instead of the environment's")
	cmd.Flags().Float64Var(&f.quantile, "quantile", 0, "quantile of the time to ready that counts, such as 0.9, or 0 for the mean")
	cmd.Flags().DurationVar(&f.recovery, "recovery", 0, "what recovering from a failure takes, instead of what was measured")
}

func (f *priorityFlags) priorities(cmd *cobra.Command) (analyse.Priorities, error) {
	p, err := analyse.EnvironmentPriorities(f.environment)
	if err != nil {
		return p, usageError{err}
	}
	if f.maxCrash != "" {
		if p.MaxFailureRate, err = share(f.maxCrash); err != nil {
			return p, usageError{err}
		}
		if p.MaxFailureRate == 0 {
			return p, usageError{errors.New("--max-crash-rate cannot be 0: no number of trials shows that nothing ever fails; write one such as 1%")}
		}
	}
	if cmd.Flags().Changed("quantile") {
		p.Quantile = f.quantile
	}
	if !(p.Quantile >= 0 && p.Quantile < 1) {
		return p, usageError{errors.New("--quantile must be at least 0 and under 1")}
	}
	if cmd.Flags().Changed("recovery") {
		if f.recovery < 0 {
			return p, usageError{errors.New("--recovery cannot be negative")}
		}
		seconds := analyse.Value(f.recovery.Seconds())
		p.Recovery = &seconds
	}
	return p, nil
}

// share reads "1%" or "0.01".
func share(text string) (float64, error) {
	number, isPercent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if isPercent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return 0, fmt.Errorf("%q is no share; write one such as 1%% or 0.01", text)
	}
	return v, nil
}

func decideCommand() *cobra.Command {
	var flags studyFlags
	var priorities priorityFlags
	var output outputFlag
	cmd := &cobra.Command{
		Use:   "decide [RUN|FILE]...",
		Short: "Recommend a strategy per runtime and memory limit",
		Long: `Recommend a strategy per runtime and memory limit, by the time to a ready
environment with everything that failures cost in it: attempts until success,
each failure costing the time until it was noticed and the recovery.

"Not beaten" rests on permutation tests inside blocks; the best strategy is
among those not beaten with a confidence of 95 %.
P(best) is a posterior probability and no error rate; it is shown under four
priors. What was not run is not ranked.`,
		Example: `  stratbench decide latest --environment local
  stratbench decide latest --environment ci --max-crash-rate 1% --quantile 0.9`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := priorities.priorities(cmd)
			if err != nil {
				return err
			}
			study, err := flags.gather(cmd, args)
			if err != nil {
				return err
			}
			d, err := study.Decide(p)
			if err != nil {
				return usageError{err}
			}
			return report.Decision(d).Write(cmd.OutOrStdout(), output.format)
		},
	}
	addResultsFlag(cmd, &flags.dir)
	priorities.add(cmd)
	output.add(cmd)
	return cmd
}
