package main

import (
	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/experiments"
	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/observations"
	"github.com/stratbench/stratbench/results/report"
)

// usualRatio of setup times is one that matters to people.
const usualRatio = 0.8

func powerCommand() *cobra.Command {
	var flags studyFlags
	var output outputFlag
	var low, high string
	var q analyse.PowerQuestion
	cmd := &cobra.Command{
		Use:   "power SPEC|RUN|FILE",
		Short: "How many replicates a question needs",
		Long: `Say how many replicates of each cell it takes to tell two failure rates, and two
setup times, apart: with a run, or a file of observations, at the noise that it
shows, with a spec at an assumed one. All comparisons of the strategies share the error rate of 5 %.`,
		Example: `  stratbench power experiments/podman-vs-docker.yaml --high 40%
  stratbench power latest --ratio 0.9`,
		Args: exactly(1, "one spec, run or file of observations"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if q.Low, err = share(low); err != nil {
				return usageError{err}
			}
			if q.High, err = share(high); err != nil {
				return usageError{err}
			}
			if err := fillQuestion(cmd, &flags, args[0], &q); err != nil {
				return err
			}
			c, err := analyse.Power(q)
			if err != nil {
				return usageError{err}
			}
			return report.Power(c).Write(cmd.OutOrStdout(), output.format)
		},
	}
	addResultsFlag(cmd, &flags.dir)
	output.add(cmd)
	cmd.Flags().StringVar(&low, "low", "2%", "the lower failure rate")
	cmd.Flags().StringVar(&high, "high", "50%", "the higher failure rate")
	cmd.Flags().Float64Var(&q.Ratio, "ratio", usualRatio, "the ratio of setup times")
	cmd.Flags().IntVar(&q.Comparisons, "comparisons", 0, "how many comparisons share the error rate, instead of all pairs of strategies")
	return cmd
}

// fillQuestion takes the number of comparisons, and of a run the noise.
func fillQuestion(cmd *cobra.Command, flags *studyFlags, name string, q *analyse.PowerQuestion) error {
	var factors []trial.Factor
	if observations.Readable(name) && !observations.Is(name) {
		spec, err := experiments.Load(name)
		if err != nil {
			return err
		}
		factors = spec.Factors
		if len(plan.Cells(factors)) < 2 {
			q.Comparisons = 1
		}
	} else {
		study, err := flags.gather(cmd, []string{name})
		if err != nil {
			return err
		}
		factors = study.Factors
		q.Simulated = study.Simulated()
		q.Spread, q.SpreadSeen = study.Spread()
		if !q.SpreadSeen {
			q.Spread = 0
		}
	}
	if q.Comparisons == 0 {
		q.Comparisons = comparisons(factors)
	}
	return nil
}

// comparisons counts the pairs of strategies, or of the first factor's levels.
func comparisons(factors []trial.Factor) int {
	n := 0
	for i, f := range factors {
		if i == 0 || f.Name == "strategy" {
			n = len(f.Levels) * (len(f.Levels) - 1) / 2
		}
	}
	return max(1, n)
}
