package main

import (
	"context"
	"errors"
	"testing"

	"github.com/stratbench/stratbench/results/history"
)

func TestEveryVerdictHasItsExitCode(t *testing.T) {
	for verdict, want := range map[history.Verdict]int{
		history.NoRegression: 0, history.Regression: 1, history.Inconclusive: 3, history.NoData: 4, history.NotFit: 4,
		"": 4, "one of a later version": 4,
	} {
		if got := verdictCode(verdict); got != want {
			t.Errorf("%q exits with %d, not %d", verdict, got, want)
		}
	}
}

// What keeps a check from being made must not read as a regression.
func TestErrorsAreNoVerdict(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0}, {errors.New("the disk is full"), 4}, {usageError{errors.New("no such flag")}, 2},
		{context.Canceled, exitCancelled}, {exitError{1, errors.New("worse")}, 1},
	} {
		if got := exitCode(notDone(c.err)); got != c.want {
			t.Errorf("%v exits with %d, not %d", c.err, got, c.want)
		}
	}
}
