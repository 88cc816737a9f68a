package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/observations"
	"github.com/stratbench/stratbench/results/report"
)

// studyFlags say which trials are analysed and what is asked of them.
type studyFlags struct {
	dir     string
	compare []string
	within  []string
}

func (f *studyFlags) add(cmd *cobra.Command) {
	addResultsFlag(cmd, &f.dir)
	cmd.Flags().StringArrayVar(&f.compare, "compare", nil, "what to compare: FACTOR or FACTOR=LEVEL:LEVEL; may be given again (default: strategy)")
	cmd.Flags().StringSliceVar(&f.within, "within", nil, "factors whose levels are kept apart in comparisons (default: all others)")
}

// gather reads runs, and files of observations, as one study.
func (f *studyFlags) gather(cmd *cobra.Command, names []string) (analyse.Study, error) {
	if len(names) == 0 {
		names = []string{"latest"}
	}
	var runs []results.Run
	for _, name := range names {
		if observations.Readable(name) {
			run, err := observations.Read(name)
			if err != nil {
				return analyse.Study{}, usageError{err}
			}
			for _, w := range run.Import.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
			}
			runs = append(runs, run)
			continue
		}
		run, err := openRun(cmd, f.dir, name)
		if err != nil {
			return analyse.Study{}, err
		}
		runs = append(runs, run)
	}
	return analyse.Gather(runs), nil
}

func (f *studyFlags) questions(s analyse.Study) ([]analyse.Question, error) {
	if len(f.compare) == 0 && len(f.within) == 0 {
		return nil, nil
	}
	questions := s.DefaultQuestions()
	if len(f.compare) > 0 {
		questions = nil
	}
	for _, text := range f.compare {
		q, err := analyse.ParseQuestion(text)
		if err != nil {
			return nil, usageError{err}
		}
		questions = append(questions, q)
	}
	if len(f.within) > 0 {
		for i := range questions {
			questions[i].Within = f.within
		}
	}
	return questions, nil
}

// someTrial is an error where there is nothing to analyse.
func someTrial(s analyse.Study) error {
	if len(s.Trials)+len(s.Estimates) == 0 {
		return usageError{errors.New("these runs have no measured trial yet: stratbench ls RUN lists what they recorded")}
	}
	return nil
}

// analyse reads the named runs and answers what is asked.
func (f *studyFlags) analyse(cmd *cobra.Command, names []string) (analyse.Study, analyse.Analysis, error) {
	study, err := f.gather(cmd, names)
	if err == nil {
		err = someTrial(study)
	}
	if err != nil {
		return study, analyse.Analysis{}, err
	}
	questions, err := f.questions(study)
	if err != nil {
		return study, analyse.Analysis{}, err
	}
	a, err := study.Analyse(questions)
	if err != nil {
		return study, a, usageError{err}
	}
	return study, a, nil
}

func analyzeCommand() *cobra.Command {
	var flags studyFlags
	var format string
	cmd := &cobra.Command{
		Use:   "analyze [RUN|FILE]...",
		Short: "Say what the trials of runs show: per cell, and compared",
		Long: `Analyse runs, or CSV and YAML files of observations, as one study: outcomes
with exact intervals, times, comparisons. Without an argument, the newest run.

Formats: table, markdown, json (schema: stratbench schema --analysis), csv (one
figure a row), benchstat (one trial a line, for golang.org/x/perf/cmd/benchstat).`,
		Example: `  stratbench analyze latest
  stratbench analyze latest --compare strategy=serial:parallel --within runtime
  stratbench analyze latest --output benchstat > setup.txt`,
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := analysisFormat(format)
			if err != nil {
				return err
			}
			study, a, err := flags.analyse(cmd, args)
			if err != nil {
				return err
			}
			return report.Analysis(study, a).Write(cmd.OutOrStdout(), format)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVarP(&format, "output", "o", string(report.FormatTable), "table, json, csv, markdown or benchstat")
	return cmd
}

// analysisFormat reads a format of analyze, which has one of its own.
func analysisFormat(text string) (report.Format, error) {
	if text == string(report.FormatBenchstat) {
		return report.FormatBenchstat, nil
	}
	f, err := report.ParseFormat(text)
	if err != nil {
		return "", usageError{fmt.Errorf("%w, and here benchstat", err)}
	}
	return f, nil
}
