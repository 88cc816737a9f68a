package main

import (
	"context"
	"errors"
	"testing"

	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/results/history"
)

func TestEveryVerdictHasItsExitCode(t *testing.T) {
	for verdict, want := range map[history.Verdict]int{
		history.NoRegression: 0, history.Regression: 10, history.Inconclusive: 11, history.NoData: 12, history.NotFit: 12,
		"": 12, "one of a later version": 12,
	} {
		if got := verdictCode(verdict); got != want {
			t.Errorf("%q exits with %d, not %d", verdict, got, want)
		}
	}
}

// No code has two meanings.
func TestNoExitCodeHasTwoMeanings(t *testing.T) {
	seen := map[int]bool{}
	for _, e := range exitCodes {
		if seen[e.code] {
			t.Errorf("%d has two meanings", e.code)
		}
		seen[e.code] = true
	}
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0}, {errors.New("the disk is full"), 1}, {exitError{exitUsage, errors.New("no such flag")}, 2},
		{run.ErrUnrecovered, 3}, {run.ErrNoneReady, 5}, {context.Canceled, 130}, {exitError{exitWorse, errors.New("worse")}, 10},
	} {
		if got := exitCode(c.err); got != c.want || !seen[got] {
			t.Errorf("%v exits with %d, not %d", c.err, got, c.want)
		}
	}
}
