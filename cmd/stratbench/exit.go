package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/internal/issue"
)

// The exit codes of every command. They are part of the interface.
const (
	exitOK        = 0
	exitFailed    = 1
	exitUsage     = 2
	exitRecovery  = 3
	exitNoneReady = 5
	exitCancelled = 130
)

var exitCodes = []struct {
	code    int
	meaning string
}{
	{exitOK, "done; a trial that crashed is a result and does not change this"},
	{exitFailed, "the work could not be done; the message says why and what to do"},
	{exitUsage, "bad usage, a faulty spec, or a machine that cannot run it; nothing was created"},
	{exitRecovery, "an engine could not be started or recovered several times in a row; the run stopped"},
	{exitNoneReady, "no trial became ready, or the run was stopped because everything failed alike; what was recorded is kept, --resume continues"},
	{exitCancelled, "cancelled with Ctrl-C, SIGTERM or SIGHUP; what was recorded is kept, --resume continues"},
}

func exitCodeTable() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "  %-4d%s\n", e.code, e.meaning)
	}
	b.WriteString("check and confirm judge: their --help has what they mean by 1, 3 and 4.\n")
	return b.String()
}

// usageError marks what the user can mend in the command or the spec.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitInconclusive is the code of commands that judge and cannot tell, and
// exitNoData that of a check with nothing to judge.
const (
	exitInconclusive = 3
	exitNoData       = 4
)

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
