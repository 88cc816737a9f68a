package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
)

// Benchmarks writes a line for each trial in the text format of Go benchmarks. A
// failed trial has no time and counts in failed/op: benchstat's times are of
// successful trials, to be read beside failed/op.
func Benchmarks(w io.Writer, s study.Study) error {
	var b strings.Builder
	if s.Simulated() {
		b.WriteString("simulated: true\n")
	}
	b.WriteString("Unit failed/op better=lower\nUnit sec/op better=lower\n")
	for _, o := range s.Trials {
		b.WriteString("BenchmarkSetup")
		for _, a := range o.Cell {
			b.WriteString("/" + namePart(a.Factor) + "=" + namePart(a.Level))
		}
		b.WriteString(" 1 ")
		switch {
		case !o.Ready:
			b.WriteString("1 failed/op\n")
		case o.Setup > 0:
			fmt.Fprintf(&b, "%.9g sec/op 0 failed/op\n", o.Setup)
		default:
			b.WriteString("0 failed/op\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// namePart replaces what would end a benchmark's name or divide it.
func namePart(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || unicode.IsSpace(r) {
			return '_'
		}
		return r
	}, text)
}

// traceEvent is one event of the Trace Event Format, which Perfetto and the
// browsers' viewers read. Times are in microseconds.
type traceEvent struct {
	Name     string         `json:"name"`
	Category string         `json:"cat,omitempty"`
	Kind     string         `json:"ph"`
	At       float64        `json:"ts"`
	Length   float64        `json:"dur,omitempty"`
	Process  int            `json:"pid"`
	Thread   int            `json:"tid"`
	Args     map[string]any `json:"args,omitempty"`
}

// Trace writes a trial as a trace: a lane for the phases, one for each image, and
// counters of CPU, memory and pressure.
func Trace(w io.Writer, r results.Record) error {
	var events []traceEvent
	add := func(e traceEvent, kind string, at trial.Seconds, args map[string]any) {
		e.Kind, e.At, e.Process, e.Args = kind, float64(at)/1e3, 1, args
		events = append(events, e)
	}
	add(traceEvent{Name: "process_name"}, "M", 0, map[string]any{"name": r.Trial.String()})
	add(traceEvent{Name: "thread_name"}, "M", 0, map[string]any{"name": "phases"})
	lanes := map[string]int{"": 0}
	for _, s := range r.Spans {
		lane, seen := lanes[s.Image]
		if !seen {
			lane = len(lanes)
			lanes[s.Image] = lane
			add(traceEvent{Name: "thread_name", Thread: lane}, "M", 0, map[string]any{"name": s.Image})
		}
		var args map[string]any
		if s.Error != "" || s.Unfinished || s.Cached {
			args = map[string]any{"error": s.Error, "unfinished": s.Unfinished, "cached": s.Cached}
		}
		add(traceEvent{Name: cmp.Or(s.Step, s.Name), Category: string(s.Phase), Length: float64(s.Length()) / 1e3, Thread: lane}, "X", s.Start, args)
	}
	for i, s := range r.Samples {
		add(traceEvent{Name: "memory (MiB)"}, "C", s.At, map[string]any{"anonymous": s.MemoryAnon >> 20, "page cache": (s.Memory - s.MemoryAnon) >> 20})
		if i > 0 && s.At > r.Samples[i-1].At {
			before := r.Samples[i-1]
			add(traceEvent{Name: "CPUs in use"}, "C", s.At, map[string]any{"CPUs": float64(s.CPU-before.CPU) / float64(s.At-before.At)})
		}
		if p := s.Pressure; p.Known {
			add(traceEvent{Name: "stalled (%)"}, "C", s.At, map[string]any{"CPU": p.CPUSome, "memory": p.MemorySome, "I/O": p.IOSome})
		}
	}
	return json.NewEncoder(w).Encode(map[string]any{
		"displayTimeUnit": "ms", "traceEvents": events,
		"otherData": map[string]any{"run": r.RunID, "trial": r.Trial.ID, "cell": r.Trial.Cell.Key(), "outcome": r.Verdict.Outcome, "simulated": r.Simulated},
	})
}
