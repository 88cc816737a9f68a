package testreport

import (
	"errors"
	"fmt"
	"iter"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"github.com/stratbench/stratbench/internal/trial"
)

// Exit is how the test command ended, in the codes of a shell: 128 and n after
// signal n.
type Exit struct {
	Known bool
	Code  int
	// Err is what the command's Run returned.
	Err error
}

// ExitOf reads how a command ended from what its Run returned.
func ExitOf(err error) Exit {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return Exit{Known: true}
	case errors.As(err, &exit) && exit.Exited():
		return Exit{Known: true, Code: exit.ExitCode(), Err: err}
	case errors.As(err, &exit):
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return Exit{Known: true, Code: 128 + int(status.Signal()), Err: err}
		}
	}
	return Exit{Known: true, Code: -1, Err: err}
}

func (e Exit) succeeded() bool { return e.Known && e.Code == 0 && e.Err == nil }

func (e Exit) String() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

// violent is what ended a command from outside, if that did: no test's failure
// explains it. timeout exits with 124, a shell with 126 or 127 where there is no
// command, and with 128 and n after signal n.
func (e Exit) violent() Reason {
	switch {
	case !e.Known || e.succeeded():
		return Reason{}
	case e.Code == 124:
		return Reason{trial.CauseSuiteTimeout, "the test command was ended by its time-out (" + e.String() + ")"}
	case e.Code == 126 || e.Code == 127 || e.Code < 0:
		return Reason{trial.CauseExitCode, "the test command could not be run: " + e.String()}
	case e.Code == 130:
		return Reason{trial.CauseInterrupted, "the test command was interrupted (" + e.String() + ")"}
	case e.Code > 128:
		return Reason{trial.CauseSignal, "the test command was ended by a signal (" + e.String() + ")"}
	}
	return Reason{}
}

// Judgement is a suite's report seen against its known failures and the end of
// its command.
type Judgement struct {
	// Tests are the results, with attempts at one test put together.
	Tests []trial.TestResult
	// Failed are the names of the tests that failed and are not known to.
	Failed []string
	// Fixed are known failures that passed; Absent are known failures that
	// are no test of the suite.
	Fixed  []string
	Absent []string
	// Reasons are why the suite failed; it succeeded when there are none.
	Reasons []Reason
	// Remarks are what does not fit together in the report, and is no reason:
	// the command's success was believed, or dialects count so differently that
	// the count says too little.
	Remarks []string

	exit Exit
}

// Judge decides whether a suite succeeded. A known failure excuses itself, and
// the command's exit code only where the report accounts for all of it: every
// other reason to fail stands.
//
// A known failure is named as in the results, or by the end of that name after
// its package; it covers its subtests. A test that fails because of its
// subtests is known when all its failed subtests are.
//
// The judgement takes over the report's tests.
func Judge(r Report, exit Exit, known []string) Judgement {
	success := exit.succeeded() || !exit.Known && r.Succeeded != nil && *r.Succeeded
	j := Judgement{Tests: r.fold(success), Remarks: slices.Clone(r.Remarks), exit: exit}
	anyKnown := j.mark(known)
	if len(j.Failed) > 0 {
		j.Reasons = append(j.Reasons, j.failures())
	}
	j.Reasons = append(j.Reasons, r.Reasons...)
	if !success {
		j.Reasons = append(j.Reasons, r.Doubts...)
	} else {
		for _, d := range r.Doubts {
			j.Remarks = append(j.Remarks, d.Text+"; the command ended well, and that was believed")
		}
	}
	switch violent := exit.violent(); {
	case violent.Cause != "":
		j.Reasons = append(j.Reasons, violent)
	case len(j.Reasons) > 0 || exit.succeeded() || anyKnown || !exit.Known:
	case len(j.Tests) > 0:
		j.Reasons = append(j.Reasons, Reason{trial.CauseExitCode, "no test failed, but the test command did: " + exit.String()})
	default:
		j.Reasons = append(j.Reasons, Reason{trial.CauseNoResults, "the test command gave no test results, and failed: " + exit.String()})
	}
	if len(j.Tests) == 0 && len(j.Reasons) == 0 {
		j.Reasons = append(j.Reasons, Reason{trial.CauseNoResults, "the test command gave no test results; check it and the format it is read in"})
	}
	return j
}

// mark marks the tests that failed as known, and returns whether any did.
func (j *Judgement) mark(known []string) (any bool) {
	if len(known) > 0 {
		for i := range j.Tests {
			j.Tests[i].Known = j.Tests[i].Status == trial.TestFail && covered(known, j.Tests[i].Name)
		}
		excuseParents(j.Tests)
	}
	for _, t := range j.Tests {
		any = any || t.Known
		if t.Status == trial.TestFail && !t.Known {
			j.Failed = append(j.Failed, t.Name)
		}
		if t.Status == trial.TestPass && listed(known, t.Name) {
			j.Fixed = append(j.Fixed, t.Name)
		}
	}
	for _, name := range known {
		if !slices.ContainsFunc(j.Tests, func(t trial.TestResult) bool { return listed([]string{name}, t.Name) }) {
			j.Absent = append(j.Absent, name)
		}
	}
	return any
}

// mostFailed tests are named in a sentence.
const mostFailed = 20

// failures is the sentence about the tests that failed: what the innermost
// first one said, and the names of all.
func (j *Judgement) failures() Reason {
	names, more := j.Failed, ""
	if n := len(names) - mostFailed; n > 0 {
		names, more = names[:mostFailed], fmt.Sprintf(" and %d more", n)
	}
	text := fmt.Sprintf("%d of %d tests failed: %s%s", len(j.Failed), len(j.Tests), strings.Join(names, ", "), more)
	cause := trial.CauseTests
	for _, t := range j.Tests {
		if t.Status != trial.TestFail || t.Known || t.Message == "" {
			continue
		}
		if strings.HasPrefix(t.Message, "panic: ") || strings.HasPrefix(t.Message, "fatal error: ") {
			cause = trial.CausePanic
		}
		if len(j.Failed) > 1 {
			return Reason{cause, text + " (" + t.Name + ": " + t.Message + ")"}
		}
		return Reason{cause, text + ": " + t.Message}
	}
	return Reason{cause, text}
}

// Cause is the cause that weighs most: what stopped the suite, before tests
// that failed, before what the report leaves open.
func (j Judgement) Cause() trial.Cause {
	for _, r := range j.Reasons[min(len(j.Failed), 1):] {
		switch r.Cause {
		case trial.CauseTests, trial.CauseExitCode, trial.CauseTruncated, trial.CauseNoResults:
		default:
			return r.Cause
		}
	}
	if len(j.Reasons) > 0 {
		return j.Reasons[0].Cause
	}
	return ""
}

// Error is a suite that failed: a line for each reason, around how the command
// ended.
type Error struct {
	Cause trial.Cause
	text  string
	exit  error
}

func (e *Error) Error() string { return e.text }

func (e *Error) Unwrap() error { return e.exit }

// Err is nil when the suite succeeded.
func (j Judgement) Err() error {
	if len(j.Reasons) == 0 {
		return nil
	}
	var lines []string
	for _, r := range j.Reasons {
		lines = append(lines, r.Text)
	}
	return &Error{j.Cause(), strings.Join(lines, "\n"), j.exit.Err}
}

// Counts counts the results of a suite.
type Counts struct {
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
	// Known failures are not among those that failed; Flaky are among those
	// that passed.
	Known int `json:"known"`
	Flaky int `json:"flaky"`
}

// Counts counts the judged tests.
func (j Judgement) Counts() (c Counts) {
	for _, t := range j.Tests {
		switch {
		case t.Status == trial.TestPass:
			c.Passed++
		case t.Status == trial.TestSkip:
			c.Skipped++
		case t.Known:
			c.Known++
		default:
			c.Failed++
		}
		if t.Flaky {
			c.Flaky++
		}
	}
	return c
}

func listed(known []string, name string) bool {
	return slices.ContainsFunc(known, func(k string) bool {
		return k == name || (k != "" && strings.HasSuffix(name, "."+k))
	})
}

// parents yields the names of the tests that a subtest lies in.
func parents(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for cut := strings.LastIndexByte(name, '/'); cut > 0 && yield(name[:cut]); {
			cut = strings.LastIndexByte(name[:cut], '/')
		}
	}
}

// covered reports whether a test is listed, or a subtest of one that is.
func covered(known []string, name string) bool {
	for parent := range parents(name) {
		if listed(known, parent) {
			return true
		}
	}
	return listed(known, name)
}

// excuseParents marks the failed tests below which tests failed, if all those
// are known.
func excuseParents(tests []trial.TestResult) {
	var failed []*trial.TestResult
	above, blamed := map[string]bool{}, map[string]bool{} // above a failure, above one that is not known
	for i := range tests {
		if tests[i].Status != trial.TestFail {
			continue
		}
		failed = append(failed, &tests[i])
		for parent := range parents(tests[i].Name) {
			above[parent] = true
		}
	}
	for _, t := range failed {
		if t.Known || above[t.Name] {
			continue
		}
		for parent := range parents(t.Name) {
			blamed[parent] = true
		}
	}
	for _, t := range failed {
		t.Known = t.Known || above[t.Name] && !blamed[t.Name]
	}
}
