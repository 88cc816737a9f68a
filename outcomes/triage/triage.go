// Package triage explains a recorded trial: the likely cause, what to try next, what
// speaks against it, a table of evidence and a timeline with its silent stretches. It
// knows nothing but the record.
package triage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report"
)

// Report is the triage of a trial.
type Report struct {
	Run     string        `json:"run"`
	Trial   trial.Trial   `json:"trial"`
	Verdict trial.Verdict `json:"verdict"`
	// Headline is how it ended, in a line.
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
	// Notes list what this version does not find in the record, or does not know.
	Notes []string `json:"notes,omitempty"`
	Log   string   `json:"log"`
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

// Of makes the triage of a record.
func Of(run string, r results.Record) Report {
	return Report{Run: run, Trial: r.Trial, Verdict: r.Verdict, Headline: headline(r), Log: r.Log,
		Timeline: timeline(r), Evidence: evidence(r), Cause: likelyCause(r.Verdict), Against: against(r),
		Next: append([]string{}, counselFor(r.Verdict).next...), Notes: notes(r)}
}

// notes list what an older record lacks, and names that this version does not know.
func notes(r results.Record) (all []string) {
	if r.Silences == nil && r.Imported == nil && !r.Simulated {
		all = append(all, "The record is of an older version: the timeline has no silent stretches; see the log.")
	}
	var unknown []string
	if _, known := r.Verdict.Cause.Text(); !known && r.Verdict.Cause != "" {
		unknown = append(unknown, fmt.Sprintf("cause %q", r.Verdict.Cause))
	}
	for _, e := range seen(r) {
		unknown = append(unknown, e.Unknown()...)
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		all = append(all, "The record has names that this version does not know: "+strings.Join(slices.Compact(unknown), ", ")+".")
	}
	return all
}

func headline(r results.Record) string {
	text := r.Trial.String() + ": " + report.Ending(&r)
	if r.Verdict.Cause != "" {
		text += ", cause " + string(r.Verdict.Cause)
	}
	if r.Elapsed > 0 { // an import may not know
		text += ", after " + report.Seconds(r.Elapsed)
	}
	return text
}

// evidence is the table: a row for each source, those that were looked at
// after the trial and those that the verdict rests on.
func evidence(r results.Record) []trial.Evidence {
	all := trial.Distinct(seen(r))
	if r.Imported == nil && !slices.ContainsFunc(all, func(e trial.Evidence) bool { return e.Source == trial.SourceTest }) {
		process := trial.Evidence{Source: trial.SourceTest, State: trial.StateEndedByItself, At: r.Elapsed, Text: r.Verdict.Error}
		switch {
		case r.Verdict.Outcome == trial.OK:
			process.Text = "every phase came to its end"
		case r.Verdict.TimedOut:
			process.State = trial.StateEndedByLimit
		case r.Verdict.Error == "":
			process.State = trial.StateEndedMute
		}
		all = append(all, process)
	}
	order := trial.Sources()
	slices.SortStableFunc(all, func(a, b trial.Evidence) int { return slices.Index(order, a.Source) - slices.Index(order, b.Source) })
	return all
}

// seen is all that was seen of the trial, what its verdicts rest on first.
func seen(r results.Record) []trial.Evidence {
	all := r.Verdict.Evidence
	if r.Crash != nil {
		all = slices.Concat(all, r.Crash.Evidence)
	}
	return slices.Concat(all, r.Observed)
}

// timeline puts spans, sightings and the worker's silences in order.
func timeline(r results.Record) []Entry {
	entries := slices.Concat(spans(r), sightings(r))
	for _, s := range r.Silences {
		length := s.End - s.Start
		mark := "SILENT " + length.Duration().Round(time.Second).String()
		entries = append(entries, Entry{At: s.Start, Length: length, Phase: s.Phase, Mark: mark, Text: "nothing was heard of " + string(s.Phase)})
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(a.At, b.At) })
	return append(entries, Entry{At: r.Elapsed, Text: "end: " + report.Ending(&r)})
}

// spans are the phases and images, begun and ended; the log has the steps of builds.
func spans(r results.Record) (entries []Entry) {
	for _, s := range r.Spans {
		if s.Step != "" && s.Phase == trial.PhaseBuild {
			continue
		}
		entries = append(entries, Entry{At: s.Start, Length: s.Length(), Phase: s.Phase, Text: "> " + s.Name})
		end := Entry{At: s.End, Phase: s.Phase, Text: "< " + s.Name}
		switch {
		case s.Unfinished:
			end.Text += ": unfinished when the trial ended"
		case s.Error != "":
			end.Text += ": " + firstLine(s.Error)
		case s.Step != "":
			continue // its length stands at its start
		}
		if s.IsPhase() && s.Phase == r.Verdict.Phase && r.Verdict.TimedOut {
			end.Mark = "TIMEOUT"
		}
		entries = append(entries, end)
	}
	return entries
}

func firstLine(text string) string {
	line, rest, more := strings.Cut(text, "\n")
	if more && strings.TrimSpace(rest) != "" {
		line += " …"
	}
	return line
}

// marks are how the watch's findings stand out.
var marks = map[trial.State]string{
	trial.StateEngineEnded:      "ENGINE LOST",
	trial.StatePartEnded:        "ENGINE LOST",
	trial.StateEngineStopped:    "HANG",
	trial.StateEngineSilent:     "HANG",
	trial.StateThrashing:        "HANG",
	trial.StateKubernetesSilent: "HANG",
	trial.StateOverdue:          "HANG",
	trial.StatePartStopped:      "HANG",
	trial.StateNodeEnded:        "NODE LOST",
	trial.StateTunnelBroken:     "TUNNEL LOST",
	trial.StateKilled:           "OOM KILL",
	trial.StateBackedOff:        "BACKED OFF",
}

// sightings are what the watch and adaptive strategies saw, and injected faults.
func sightings(r results.Record) (entries []Entry) {
	for _, e := range trial.Distinct(seen(r)) {
		if e.Rule == trial.RuleWatch || e.Rule == trial.RuleAdmission {
			entries = append(entries, Entry{At: e.At, Mark: marks[e.State], Text: e.Seen() + ": " + e.Text})
		}
	}
	if f := r.Fault; f != nil && f.At != nil {
		e := Entry{At: *f.At, Mark: "FAULT INJECTED", Text: "fault " + f.Name}
		if f.What != "" {
			e.Text += ": " + f.What
		}
		if f.Error != "" {
			e.Text += ", which failed: " + f.Error
		}
		entries = append(entries, e)
	}
	return entries
}
