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
	e := Exit{Known: true, Err: err}
	if exit, is := errors.AsType[*exec.ExitError](err); is {
		e.Code = exit.ExitCode()
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			e.Code = 128 + int(status.Signal())
		}
	} else if err != nil {
		e.Code = -1
	}
	return e
}

func (e Exit) succeeded() bool { return e.Known && e.Code == 0 && e.Err == nil }

func (e Exit) String() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

// violent is the reason if something ended the command from outside: no test's failure
// explains it. timeout exits with 124, a shell with 126 or 127 where there is no command,
// and with 128 and n after signal n.
func (e Exit) violent() Reason {
	switch {
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

// Judgement is a suite's report, judged with its known failures and the end of its
// command.
type Judgement struct {
	Outcome trial.Outcome `json:"outcome"`
	Cause   trial.Cause   `json:"cause,omitempty"`
	Counts
	// Reasons are why the suite failed; it succeeded when there are none.
	Reasons []Reason `json:"reasons"`
	// Remarks are contradictions in the report that are no reason: the command
	// succeeded, or dialects count so differently that the count proves nothing.
	Remarks []string `json:"remarks,omitempty"`
	// Failed are the names of the tests that failed and are not known to, Flaky
	// those of the flaky ones.
	Failed []string `json:"failed_tests"`
	Flaky  []string `json:"flaky_tests"`
	// Fixed are known failures that passed; Absent are known failures that
	// are no test of the suite.
	Fixed  []string `json:"fixed_known,omitempty"`
	Absent []string `json:"absent_known,omitempty"`
	// Tests are the results, with attempts at one test put together; of a brief
	// report those that are kept.
	Tests []trial.TestResult `json:"-"`

	exit Exit
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

func (c Counts) total() int { return c.Passed + c.Failed + c.Skipped + c.Known }

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
	j := Judgement{Outcome: trial.OK, Reasons: []Reason{}, Remarks: slices.Clone(r.Remarks), Failed: []string{}, Flaky: []string{}, exit: exit}
	j.Tests, j.Passed, j.Skipped = r.fold(success)
	j.count(known)
	if len(j.Failed) > 0 {
		j.Reasons = append(j.Reasons, j.failures())
	}
	j.Reasons = append(j.Reasons, r.Reasons...)
	if !success {
		j.Reasons = append(j.Reasons, r.Doubts...)
	} else {
		for _, d := range r.Doubts {
			j.Remarks = append(j.Remarks, d.Text+"; this is ignored, because the command succeeded")
		}
	}
	switch violent := exit.violent(); {
	case violent.Cause != "":
		j.Reasons = append(j.Reasons, violent)
	case len(j.Reasons) > 0 || exit.succeeded() || j.Known > 0 || !exit.Known:
	case j.total() > 0:
		j.Reasons = append(j.Reasons, Reason{trial.CauseExitCode, "no test failed, but the test command did: " + exit.String()})
	default:
		j.Reasons = append(j.Reasons, Reason{trial.CauseNoResults, "there are no test results, and the test command failed: " + exit.String()})
	}
	if j.total() == 0 && len(j.Reasons) == 0 {
		j.Reasons = append(j.Reasons, Reason{trial.CauseNoResults, "there are no test results; check the test command and the format that its report is read in"})
	}
	if len(j.Reasons) > 0 {
		j.Outcome, j.Cause = trial.TestFailed, j.cause()
	}
	return j
}

// count marks the failures that are known, and counts the results.
func (j *Judgement) count(known []string) {
	if len(known) > 0 {
		for i := range j.Tests {
			j.Tests[i].Known = j.Tests[i].Status == trial.TestFail && covered(known, j.Tests[i].Name)
		}
		excuseParents(j.Tests)
	}
	for _, t := range j.Tests {
		switch {
		case t.Status == trial.TestPass:
			if j.Passed++; listed(known, t.Name) {
				j.Fixed = append(j.Fixed, t.Name)
			}
		case t.Status == trial.TestSkip:
			j.Skipped++
		case t.Known:
			j.Known++
		default:
			j.Failed = append(j.Failed, t.Name)
		}
		if t.Flaky {
			j.Flaky = append(j.Flaky, t.Name)
		}
	}
	j.Counts.Failed, j.Counts.Flaky = len(j.Failed), len(j.Flaky)
	for _, name := range known {
		if !slices.ContainsFunc(j.Tests, func(t trial.TestResult) bool { return listed([]string{name}, t.Name) }) {
			j.Absent = append(j.Absent, name)
		}
	}
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
	text := fmt.Sprintf("%d of %d tests failed: %s%s", len(j.Failed), j.total(), strings.Join(names, ", "), more)
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

// cause is the cause that weighs most: what stopped the suite, before tests that
// failed, before what the report leaves open.
func (j *Judgement) cause() trial.Cause {
	for _, r := range j.Reasons[min(len(j.Failed), 1):] {
		switch r.Cause {
		case trial.CauseTests, trial.CauseExitCode, trial.CauseTruncated, trial.CauseNoResults:
		default:
			return r.Cause
		}
	}
	return j.Reasons[0].Cause
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
	return &Error{j.Cause, strings.Join(lines, "\n"), j.exit.Err}
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
	above, blamed := map[string]bool{}, map[string]bool{} // above a failure, above one that is not known
	for _, t := range tests {
		if t.Status == trial.TestFail {
			for parent := range parents(t.Name) {
				above[parent] = true
			}
		}
	}
	for _, t := range tests {
		if t.Status == trial.TestFail && !t.Known && !above[t.Name] {
			for parent := range parents(t.Name) {
				blamed[parent] = true
			}
		}
	}
	for i, t := range tests {
		tests[i].Known = t.Known || t.Status == trial.TestFail && above[t.Name] && !blamed[t.Name]
	}
}
