package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/internal/issue"
)

// The exit codes of all commands. They are part of the interface, and none has
// two meanings; docs/decisions/017-exit-codes.md says why these.
const (
	exitOK           = 0
	exitFailed       = 1
	exitUsage        = 2
	exitRecovery     = 3
	exitNoneReady    = 5
	exitWorse        = 10
	exitInconclusive = 11
	exitNoData       = 12
	exitCancelled    = 130
)

// codeOf is which commands have an exit code beside those that all have.
type codeOf string

const (
	ofAll    codeOf = ""
	ofRun    codeOf = "run: "
	ofJudges codeOf = "check, confirm, lint: "
)

var exitCodes = []struct {
	code    int
	of      codeOf
	meaning string
}{
	{exitOK, ofAll, "done, and fine where that is judged; a trial that crashed is a result and does not change this"},
	{exitFailed, ofAll, "the work could not be done; the message says why and what to do"},
	{exitUsage, ofAll, "bad usage, a faulty spec, or a machine that cannot run it; nothing was created"},
	{exitRecovery, ofRun, "an engine could not be started or recovered several times in a row; the run stopped"},
	{exitNoneReady, ofRun, "no trial became ready, or the run was stopped because everything failed alike; what was recorded is kept, --resume continues"},
	{exitWorse, ofJudges, "worse: a regression, tonight's or one that stands; a claim that is contradicted"},
	{exitInconclusive, ofJudges, "inconclusive: suspected and not shown, or too few trials; the message says what it takes"},
	{exitNoData, ofJudges, "no data, or a host that was not fit to measure on"},
	{exitCancelled, ofAll, "cancelled with Ctrl-C, SIGTERM or SIGHUP; what was recorded is kept, --resume continues"},
}

// exitCodeTable has the codes of one sort of commands, or of all.
func exitCodeTable(of codeOf) string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, e := range exitCodes {
		switch {
		case of == ofAll:
			fmt.Fprintf(&b, "  %-4d %s%s\n", e.code, e.of, e.meaning)
		case e.of == of || e.of == ofAll:
			fmt.Fprintf(&b, "  %-4d %s\n", e.code, e.meaning)
		}
	}
	return b.String()
}

// usageError marks what the user can mend in the command or the spec.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitError is an answer that has an exit code of its own.
type exitError struct {
	code int
	error
}

func (e exitError) Unwrap() error { return e.error }

func exitCode(err error) int {
	var answer exitError
	var usage usageError
	var issues *issue.List
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &answer):
		return answer.code
	case errors.Is(err, context.Canceled):
		return exitCancelled
	case errors.Is(err, run.ErrUnrecovered):
		return exitRecovery
	case errors.Is(err, run.ErrAlike), errors.Is(err, run.ErrNoneReady):
		return exitNoneReady
	case errors.As(err, &usage), errors.As(err, &issues):
		return exitUsage
	default:
		return exitFailed
	}
}
