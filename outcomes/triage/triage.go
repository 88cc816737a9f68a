// Package triage writes, of one recorded trial, what a person would have to
// write by hand: a timeline with its silent stretches, a table of evidence, the
// likely cause, what speaks against it and what to try next. It reads the
// record and the log, and asks nobody else.
package triage

import (
	"io"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/postmortem"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report"
)

// Report is the triage of a trial.
type Report struct {
	Run     string        `json:"run"`
	Trial   trial.Trial   `json:"trial"`
	Verdict trial.Verdict `json:"verdict"`
	// Headline says how it ended, in a line.
	Headline string `json:"headline"`
	// Timeline is what happened when, the silent stretches included.
	Timeline []Entry `json:"timeline"`
	// Evidence is a row for each thing that can fail.
	Evidence []trial.Evidence `json:"evidence"`
	// Cause is the likely cause, Against what speaks against it, Next what to
	// try next.
	Cause   string   `json:"cause"`
	Against []string `json:"against"`
	Next    []string `json:"next"`
	Log     string   `json:"log"`
}

// Entry is a moment or a stretch of the timeline.
type Entry struct {
	At     trial.Seconds `json:"at_seconds"`
	Length trial.Seconds `json:"length_seconds,omitempty"`
	// Mark is what stands out: "SILENT 4m12s", "ENGINE LOST", "HANG", "TIMEOUT".
	Mark  string      `json:"mark,omitempty"`
	Phase trial.Phase `json:"phase,omitempty"`
	Text  string      `json:"text"`
}

// Of makes the triage of a record; log is the trial's log.
func Of(run string, r results.Record, log io.Reader) Report {
	lines := readLog(log)
	t := Report{Run: run, Trial: r.Trial, Verdict: r.Verdict, Headline: headline(r), Log: r.Log,
		Timeline: timeline(r, lines), Evidence: evidence(r, lines)}
	t.Cause = likelyCause(r.Verdict)
	t.Against = against(r)
	t.Next = next(r.Verdict)
	return t
}

func headline(r results.Record) string {
	text := r.Trial.String() + ": " + report.Verdict(r.Verdict)
	if r.Verdict.Cause != "" {
		text += ", cause " + r.Verdict.Cause
	}
	return text + ", after " + report.Seconds(r.Elapsed)
}

// evidence is the table: a row for each source, those that were looked at
// after the trial and those that the verdict rests on.
func evidence(r results.Record, lines []logLine) []trial.Evidence {
	all := []trial.Evidence{testProcess(r), lastLine(lines)}
	seen := map[string]bool{}
	for _, e := range slices.Concat(r.Verdict.Evidence, r.Observed) {
		if key := e.Source + e.State + e.Text; !seen[key] {
			seen[key] = true
			all = append(all, e)
		}
	}
	order := map[string]int{"error": 1}
	for i, s := range postmortem.Sources() {
		order[s] = 2 * i
	}
	slices.SortStableFunc(all, func(a, b trial.Evidence) int { return order[a.Source] - order[b.Source] })
	return all
}

func testProcess(r results.Record) trial.Evidence {
	e := trial.Evidence{Source: "test process", State: "ended by itself", At: r.Elapsed, Text: r.Verdict.Error}
	switch {
	case r.Verdict.Outcome == trial.OK:
		e.Text = "every phase came to its end"
	case r.Verdict.TimedOut:
		e.State = "ended by a limit"
	case r.Verdict.Error == "":
		e.State = "ended without a word"
	}
	return e
}

func lastLine(lines []logLine) trial.Evidence {
	for i, l := range slices.Backward(lines) {
		if l.phase() != "" && !strings.HasPrefix(l.text, "< ") && !strings.HasPrefix(l.text, "> ") {
			return trial.Evidence{Source: "log", State: "last thing said", At: l.at, Line: i + 1, Text: l.text}
		}
	}
	return trial.Evidence{Source: "log", State: "nothing was said"}
}

// silentFrom is from how long on nothing in a log is worth a line of its own.
const silentFrom = trial.Seconds(15 * time.Second)
