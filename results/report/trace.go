package report

import (
	"encoding/json"
	"io"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

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

// Trace writes a trial as a trace: a lane for the phases, one for each image,
// and counters of CPU, memory and pressure.
func Trace(w io.Writer, r results.Record) error {
	events := []traceEvent{metadata("process_name", 0, r.Trial.String()), metadata("thread_name", 0, "phases")}
	lanes := map[string]int{"": 0}
	for _, s := range r.Spans {
		if _, seen := lanes[s.Image]; !seen {
			lanes[s.Image] = len(lanes)
			events = append(events, metadata("thread_name", lanes[s.Image], s.Image))
		}
		events = append(events, spanEvent(s, lanes[s.Image]))
	}
	for i, s := range r.Samples {
		events = append(events, counters(r.Samples, i, s)...)
	}
	return json.NewEncoder(w).Encode(map[string]any{
		"displayTimeUnit": "ms", "traceEvents": events,
		"otherData": map[string]any{"run": r.RunID, "trial": r.Trial.ID, "cell": r.Trial.Cell.Key(), "outcome": r.Verdict.Outcome, "simulated": r.Simulated},
	})
}

func metadata(what string, lane int, name string) traceEvent {
	return traceEvent{Name: what, Kind: "M", Process: 1, Thread: lane, Args: map[string]any{"name": name}}
}

func micro(s trial.Seconds) float64 { return float64(s) / 1e3 }

func spanEvent(s trial.Span, lane int) traceEvent {
	name := s.Name
	if s.Step != "" {
		name = s.Step
	}
	e := traceEvent{Name: name, Category: string(s.Phase), Kind: "X", At: micro(s.Start), Length: micro(s.Length()), Process: 1, Thread: lane}
	if s.Error != "" || s.Unfinished || s.Cached {
		e.Args = map[string]any{"error": s.Error, "unfinished": s.Unfinished, "cached": s.Cached}
	}
	return e
}

func counters(all []trial.Sample, i int, s trial.Sample) []traceEvent {
	count := func(name string, args map[string]any) traceEvent {
		return traceEvent{Name: name, Kind: "C", At: micro(s.At), Process: 1, Args: args}
	}
	events := []traceEvent{count("memory (MiB)", map[string]any{"anonymous": s.MemoryAnon >> 20, "page cache": (s.Memory - s.MemoryAnon) >> 20})}
	if i > 0 && s.At > all[i-1].At {
		events = append(events, count("CPUs in use", map[string]any{"CPUs": float64(s.CPU-all[i-1].CPU) / float64(s.At-all[i-1].At)}))
	}
	if p := s.Pressure; p.Known {
		events = append(events, count("stalled (%)", map[string]any{"CPU": p.CPUSome, "memory": p.MemorySome, "I/O": p.IOSome}))
	}
	return events
}
