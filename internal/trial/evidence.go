package trial

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Source is what an observation is about, or the text that states it.
type Source string

// The sources of evidence.
const (
	SourceTest       Source = "test process"
	SourceError      Source = "error"
	SourceLog        Source = "log"
	SourceEngine     Source = "engine process"
	SourceEngineAPI  Source = "engine API"
	SourceEngineLog  Source = "engine log"
	SourceCluster    Source = "Kind cluster"
	SourceNode       Source = "node container"
	SourceKubernetes Source = "Kubernetes API"
	SourceMemory     Source = "memory and pressure"
	SourceOOM        Source = "OOM events"
	SourceDisk       Source = "disk"
	SourceInotify    Source = "inotify"
	SourceKernel     Source = "kernel messages"
	SourceProcesses  Source = "processes"
	SourceMachine    Source = "machine"
	SourceFault      Source = "fault"
	// SourceObserver is a person who watched a trial that stratbench did not run.
	SourceObserver Source = "observer"
)

// Sources lists every Source in the order of the evidence table.
func Sources() []Source {
	return []Source{SourceTest, SourceError, SourceLog, SourceEngine, SourceEngineAPI, SourceEngineLog, SourceCluster, SourceNode,
		SourceKubernetes, SourceMemory, SourceOOM, SourceDisk, SourceInotify, SourceKernel, SourceProcesses, SourceMachine,
		SourceFault, SourceObserver}
}

// State is what was seen of a source.
type State string

// What the watch finds while a trial runs.
const (
	// StateEngineEnded: the engine's process has ended, or nothing listens any
	// more at the address of an engine that stratbench does not run.
	StateEngineEnded State = "engine ended"
	// StateConnectionClosed: a user's engine closed a connection that the watch kept
	// open. An engine that ends closes it, however soon it is back.
	StateConnectionClosed State = "connection closed"
	// StateEngineStopped: the engine's process was stopped (SIGSTOP).
	StateEngineStopped State = "engine stopped"
	// StateEngineSilent: the engine's process lives, and its API does not answer.
	StateEngineSilent State = "engine does not answer"
	// StatePartEnded and StatePartStopped: a process of the engine's own, such
	// as Docker's containerd, ended or was stopped.
	StatePartEnded   State = "part of the engine ended"
	StatePartStopped State = "part of the engine stopped"
	// StateKilled: the kernel killed a process because memory ran out.
	StateKilled State = "killed for want of memory"
	// StateThrashing: the machine does nothing but wait for memory.
	StateThrashing State = "memory thrashing"
	// StateMachineRestarted: the virtual machine of the engine has another boot id
	// than before the trial.
	StateMachineRestarted State = "machine restarted"
	// StateNodeEnded: the container of a cluster's node does not run any more.
	StateNodeEnded State = "node ended"
	// StateKubernetesSilent: the cluster's API server does not report itself live.
	StateKubernetesSilent State = "Kubernetes API does not answer"
	// StateTunnelBroken: the ssh session ended through which everything on the engine's
	// host is reached, or no other one can be opened.
	StateTunnelBroken State = "tunnel broken"
	// StateOverdue: the trial ran past its limits without ending itself.
	StateOverdue State = "trial overdue"
	// StateBackedOff: a build was cancelled to give the others memory, and done
	// again later.
	StateBackedOff State = "backed off"
	// StateEndedByWatch: the watch ended the trial's worker.
	StateEndedByWatch State = "ended by the watch"
	// StateSilence: what was at work in the middle of a long silence.
	StateSilence State = "in a silence"
)

// How the trial's own process ended, and what its texts say.
const (
	StateEndedByItself  State = "ended by itself"
	StateEndedByLimit   State = "ended by a limit"
	StateEndedMute      State = "ended without a word"
	StateEndedNoResult  State = "ended without a result"
	StateToldToStop     State = "told to stop"
	StateLastSaid       State = "last thing said"
	StateReported       State = "reported as"
	StateReads          State = "reads like"
	StateReadsRefuted   State = "refuted by the watch, though it reads like"
	StatePressed        State = "pressed"
	StateNoWayOut       State = "no way out"
	StateInjected       State = "injected"
	StateNotInjected    State = "not injected"
	StateNoted          State = "noted"
	StateOverlap        State = "overlap"
	StateExitCode       State = "exit code"
	StateSilentObserved State = "silent"
)

// What probes find after a failure.
const (
	StateLives         State = "lives"
	StateEnded         State = "ended"
	StateStopped       State = "stopped"
	StateAnswers       State = "answers"
	StateHangs         State = "hangs"
	StateSilent        State = "does not answer"
	StateNotAsked      State = "not asked"
	StateNodes         State = "nodes"
	StateRunning       State = "running"
	StateNotRunning    State = "not running"
	StateInUse         State = "in use"
	StateNone          State = "none"
	StateNamesUnknown  State = "names not known"
	StateFree          State = "free"
	StateFull          State = "full"
	StateExhausted     State = "exhausted"
	StateNothingOfNote State = "nothing of note"
	StateOfNote        State = "of note"
	StateCounted       State = "counted"
	StateEmpty         State = "empty"
	StateLastLines     State = "last lines"
	StateUnreadable    State = "cannot be read"
	StateUnknown       State = "not known"
	StateNotOurs       State = "not ours to see"
	StateProbeHangs    State = "the probe hangs"
)

// States lists every State.
func States() []State {
	return []State{StateEngineEnded, StateConnectionClosed, StateEngineStopped, StateEngineSilent, StatePartEnded, StatePartStopped,
		StateKilled, StateThrashing, StateMachineRestarted, StateNodeEnded, StateKubernetesSilent, StateTunnelBroken, StateOverdue, StateBackedOff, StateEndedByWatch, StateSilence,
		StateEndedByItself, StateEndedByLimit, StateEndedMute, StateEndedNoResult, StateToldToStop, StateLastSaid, StateReported, StateReads,
		StateReadsRefuted, StatePressed, StateNoWayOut, StateInjected, StateNotInjected, StateNoted, StateOverlap, StateExitCode,
		StateSilentObserved, StateLives, StateEnded, StateStopped, StateAnswers, StateHangs, StateSilent, StateNotAsked, StateNodes,
		StateRunning, StateNotRunning, StateInUse, StateNone, StateNamesUnknown, StateFree, StateFull, StateExhausted,
		StateNothingOfNote, StateOfNote, StateCounted, StateEmpty, StateLastLines, StateUnreadable, StateUnknown, StateNotOurs,
		StateProbeHangs}
}

// The rules of evidence that are not rules of classification.
const (
	RuleWatch      = "watch"
	RuleAdmission  = "admission"
	RuleSilence    = "silence"
	RulePostMortem = "post-mortem"
)

// Evidence is one observation on which a verdict rests. A source or a state of
// another version's record, which is not known here, is kept as it is, and Unknown
// reports it.
type Evidence struct {
	// Source is what the observation is about.
	Source Source `json:"source"`
	// State is what was seen.
	State State `json:"state"`
	// Detail completes the state: the process that was killed, the fault that was
	// injected.
	Detail string `json:"detail,omitempty"`
	// Outcome is what a text reads like; empty for other observations.
	Outcome Outcome `json:"outcome,omitempty"`
	// Text is the line that shows it, unchanged.
	Text string `json:"text,omitempty"`
	// Line is the line's number in the trial's log, from 1; 0 if it is in none.
	Line int `json:"line,omitempty"`
	// Rule names the rule that drew a conclusion from it.
	Rule string `json:"rule,omitempty"`
	// At is when it was seen, from the start of the trial.
	At Seconds `json:"at_seconds,omitempty"`
}

// Seen is what was seen, in words: "killed for want of memory: cc1 (process 7)".
func (e Evidence) Seen() string {
	switch {
	case e.Outcome != "":
		return string(e.State) + " " + string(e.Outcome)
	case e.Detail != "":
		return string(e.State) + ": " + e.Detail
	}
	return string(e.State)
}

// Unknown lists the names in the evidence that this version does not know.
func (e Evidence) Unknown() (names []string) {
	if !slices.Contains(Sources(), e.Source) {
		names = append(names, fmt.Sprintf("source %q", e.Source))
	}
	if !slices.Contains(States(), e.State) {
		names = append(names, fmt.Sprintf("state %q", e.State))
	}
	return names
}

// Distinct joins lists of evidence and drops repetitions of an earlier piece.
func Distinct(lists ...[]Evidence) (all []Evidence) {
	seen := map[string]bool{}
	for _, e := range slices.Concat(lists...) {
		if key := strings.Join([]string{string(e.Source), e.Seen(), e.Text}, "\x00"); !seen[key] {
			seen[key] = true
			all = append(all, e)
		}
	}
	return all
}

// Silence is a stretch of a phase in which a trial's worker printed nothing.
type Silence struct {
	Phase Phase   `json:"phase,omitempty"`
	Start Seconds `json:"start_seconds"`
	End   Seconds `json:"end_seconds"`
}

// Verdict is how a trial ended and what that rests on.
type Verdict struct {
	Outcome Outcome `json:"outcome"`
	// Phase is where it ended, for every outcome but ok.
	Phase Phase `json:"phase,omitempty"`
	// Cause is why. A record of another version may hold one that this version
	// does not know.
	Cause Cause `json:"cause,omitempty"`
	// Confidence is between 0 and 1.
	Confidence float64 `json:"confidence"`
	// TimedOut is true if a limit of the spec ended the trial, so that its time is
	// known only to exceed that limit.
	TimedOut bool `json:"timed_out,omitempty"`
	// Error is the error text as the pipeline saw it.
	Error    string     `json:"error,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
}

var (
	terminalCodes = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")
	complaint     = regexp.MustCompile(`(?i)error|fail|cannot|could not|denied|refused|no such|not found|time[d -]?out|killed|invalid|unable|fatal|panic`)
)

// mostShort bounds a line on a terminal.
const mostShort = 240

// InShort is the one line that explains best why the trial ended so: the line that
// decided, or a line of the error, which may be the whole output of a command.
func (v Verdict) InShort() string {
	for _, e := range v.Evidence {
		if e.Rule != "" && e.Text != "" {
			return shortLine(e.Text)
		}
	}
	return ErrorInShort(v.Error)
}

// ErrorInShort is the line of an error that explains best what went wrong: the first
// of up to three lines, or the last line of a whole output that complains.
func ErrorInShort(text string) string {
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool { return strings.TrimSpace(l) == "" })
	if len(lines) == 0 {
		return ""
	}
	if len(lines) > 3 {
		for _, l := range slices.Backward(lines) {
			if complaint.MatchString(l) {
				return shortLine(l)
			}
		}
	}
	return shortLine(lines[0])
}

func shortLine(text string) string {
	text = terminalCodes.ReplaceAllString(text, "")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if runes := []rune(text); len(runes) > mostShort {
		text = string(runes[:mostShort]) + "…"
	}
	return text
}
