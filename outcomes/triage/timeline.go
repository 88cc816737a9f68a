package triage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report"
)

// timeline puts spans, what the watch saw and the silent stretches in order.
func timeline(r results.Record) []Entry {
	entries := slices.Concat(spans(r), sightings(r), silences(r))
	slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(a.At, b.At) })
	return append(entries, Entry{At: r.Elapsed, Text: "end: " + report.Ending(&r)})
}

// spans are the phases and their images, begun and ended; steps of a build are
// in the log.
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
	trial.StateKilled:           "OOM KILL",
	trial.StateBackedOff:        "BACKED OFF",
}

// sightings are what the watch saw, what an adaptive strategy met with, and what
// was broken on purpose.
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

// silences are the stretches in which the worker said nothing.
func silences(r results.Record) (entries []Entry) {
	for _, s := range r.Silences {
		length := s.End - s.Start
		entries = append(entries, Entry{At: s.Start, Length: length, Phase: s.Phase, Mark: "SILENT " + clock(length), Text: "nothing was heard of " + string(s.Phase)})
	}
	return entries
}

// clock prints a stretch as a person reads it off a clock: 4m12s.
func clock(s trial.Seconds) string { return s.Duration().Round(time.Second).String() }
