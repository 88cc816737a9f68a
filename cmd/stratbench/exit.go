package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/internal/issue"
)

// The exit codes of all commands. They are part of the interface, and none has
// two meanings; docs/decisions/017-exit-codes.md explains them.
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

// exitCodes has each code with its commands, none for all, and its meaning.
var exitCodes = []struct {
	code    int
	of      string
	meaning string
}{
	{exitOK, "", "done, and fine where that is judged; a trial that crashed is a result and does not change this"},
	{exitFailed, "", "the work could not be done; the message says why and what to do"},
	{exitUsage, "", "bad usage, issues in a spec, or a host that cannot run it; nothing was created"},
	{exitRecovery, "run, compare, check, confirm", "an engine could not be started or recovered several times in a row; the run stopped"},
	{exitNoneReady, "run, compare", "no trial became ready, or the run was stopped because everything failed alike; what was recorded is kept, --resume continues"},
	{exitWorse, "check, confirm, lint", "worse: a new or standing regression, or a contradicted claim"},
	{exitInconclusive, "check, confirm, lint", "inconclusive: suspected but not proven, or too few trials; the message says what is needed"},
	{exitNoData, "check, confirm, lint, doctor", "no data, or a host that is not fit"},
	{exitCancelled, "", "cancelled with Ctrl-C, SIGTERM or SIGHUP; what was recorded is kept, --resume continues"},
}

// exitCodeTable has the codes of one command, or of all with their commands.
func exitCodeTable(command string) string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, e := range exitCodes {
		meaning := e.meaning
		if e.of != "" && command == "" {
			meaning = e.of + ": " + meaning
		}
		if command == "" || e.of == "" || slices.Contains(strings.Split(e.of, ", "), command) {
			fmt.Fprintf(&b, "  %-4d %s\n", e.code, meaning)
		}
	}
	return b.String()
}

// exitError is an error or an answer that has an exit code of its own.
type exitError struct {
	code int
	error
}

func (e exitError) Unwrap() error { return e.error }

// usage is the error of what the user can correct in the command or the spec.
func usage(format string, args ...any) error {
	return exitError{exitUsage, fmt.Errorf(format, args...)}
}

func exitCode(err error) int {
	var own exitError
	var issues *issue.List
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled): // whatever the work made of it
		return exitCancelled
	case errors.As(err, &own):
		return own.code
	case errors.Is(err, run.ErrUnrecovered):
		return exitRecovery
	case errors.Is(err, run.ErrAlike), errors.Is(err, run.ErrNoneReady):
		return exitNoneReady
	case errors.As(err, &issues), errors.Is(err, run.ErrCannotRun):
		return exitUsage
	}
	return exitFailed
}
