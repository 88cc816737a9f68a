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
func timeline(r results.Record, lines []logLine) []Entry {
	entries := slices.Concat(spans(r), sightings(lines), silences(r, lines))
	slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(a.At, b.At) })
	return append(entries, Entry{At: r.Elapsed, Text: "end: " + report.Verdict(r.Verdict)})
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
		if isPhase(s) && s.Phase == r.Verdict.Phase && r.Verdict.TimedOut {
			end.Mark = "TIMEOUT"
		}
		entries = append(entries, end)
	}
	return entries
}

func isPhase(s trial.Span) bool { return s.Phase != "" && s.Name == string(s.Phase) }

func firstLine(text string) string {
	line, rest, more := strings.Cut(text, "\n")
	if more && strings.TrimSpace(rest) != "" {
		line += " …"
	}
	return line
}

// marks are how the watch's findings, and what was injected, stand out.
var marks = []struct{ begins, mark string }{
	{"! engine ended", "ENGINE LOST"},
	{"! engine stopped", "HANG"},
	{"! engine does not answer", "HANG"},
	{"! memory thrashing", "HANG"},
	{"! Kubernetes API does not answer", "HANG"},
	{"! trial overdue", "HANG"},
	{"! part of the engine stopped", "HANG"},
	{"! part of the engine ended", "ENGINE LOST"},
	{"! node ended", "NODE LOST"},
	{"! killed for want of memory", "OOM KILL"},
	{"! fault", "FAULT INJECTED"},
}

// sightings are the lines of the watch.
func sightings(lines []logLine) (entries []Entry) {
	for _, l := range lines {
		if l.place != "watch" && l.place != "fault" {
			continue
		}
		e := Entry{At: l.at, Text: strings.TrimPrefix(l.text, "! ")}
		for _, m := range marks {
			if strings.HasPrefix(l.text, m.begins) {
				e.Mark = m.mark
			}
		}
		entries = append(entries, e)
	}
	return entries
}

// silences are the stretches of the worker's time in which it said nothing.
func silences(r results.Record, lines []logLine) (entries []Entry) {
	begin, end := working(r)
	last := begin
	var place trial.Phase
	gap := func(until trial.Seconds) {
		if length := until - last; length >= silentFrom {
			entries = append(entries, Entry{At: last, Length: length, Phase: place, Mark: "SILENT " + clock(length), Text: "nothing was heard of " + name(place)})
		}
	}
	for _, l := range lines {
		if l.phase() == "" || l.at < begin {
			continue
		}
		gap(l.at)
		last, place = max(last, l.at), l.phase()
	}
	gap(end)
	return entries
}

// working is from the first phase's start to the last one's end.
func working(r results.Record) (begin, end trial.Seconds) {
	for _, s := range r.Spans {
		if s.Phase == "" {
			continue
		}
		if end == 0 || s.Start < begin {
			begin = s.Start
		}
		end = max(end, s.End)
	}
	return begin, end
}

func name(p trial.Phase) string {
	if p == "" {
		return "the trial"
	}
	return string(p)
}

// clock prints a stretch as a person reads it off a clock: 4m12s.
func clock(s trial.Seconds) string { return s.Duration().Round(time.Second).String() }
