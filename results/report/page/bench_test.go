package page_test

import (
	"bytes"
	"encoding/json"
	"runtime"
	"testing"
	"time"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/report/page"
	"github.com/stratbench/stratbench/results/simulated"
)

// journal is a run as it stands on disk.
func journal(b *testing.B, blocks int) ([]byte, results.Run) {
	b.Helper()
	run := simulated.Run(simulated.Matrix()[:20], blocks, 1)
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	for _, r := range run.Records {
		if err := enc.Encode(r); err != nil {
			b.Fatal(err)
		}
	}
	run.Records = nil
	return text.Bytes(), run
}

// reportOf reads a journal, analyses it and writes the whole report.
func reportOf(b *testing.B, text []byte, run results.Run) {
	b.Helper()
	records, faults, err := results.Read("trials.jsonl", bytes.NewReader(text))
	if err != nil || len(faults) > 0 {
		b.Fatal(err, faults)
	}
	run.Records = records
	s := analyse.Gather([]results.Run{run})
	a, err := s.Analyse(nil)
	if err != nil {
		b.Fatal(err)
	}
	m := page.Material{Title: "benchmark", Study: s, Analysis: a, Command: "a benchmark"}
	for _, environment := range []string{"local", "ci"} {
		p, _ := analyse.EnvironmentPriorities(environment)
		d, err := s.Decide(p)
		if err != nil {
			b.Fatal(err)
		}
		m.Decisions = append(m.Decisions, d)
	}
	if m.Explanation, err = s.Explain(false); err != nil {
		b.Fatal(err)
	}
	if err := page.Report(m).Write(b.TempDir(), a); err != nil {
		b.Fatal(err)
	}
}

func benchmark(b *testing.B, blocks int, most time.Duration) {
	text, run := journal(b, blocks)
	b.ReportMetric(float64(20*blocks), "trials")
	for b.Loop() {
		start := time.Now()
		reportOf(b, text, run)
		if took := time.Since(start); took > most {
			b.Errorf("%d trials took %s, over %s", 20*blocks, took, most)
		}
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	b.ReportMetric(float64(memory.Sys)/(1<<20), "MiB")
	if memory.Sys > 1<<30 {
		b.Errorf("%d MiB", memory.Sys>>20)
	}
}

// A report of 80 trials takes under 2 s, one of 100 000 under 10 s and 1 GiB.
func BenchmarkReport80(b *testing.B)     { benchmark(b, 4, 2*time.Second) }
func BenchmarkReport100000(b *testing.B) { benchmark(b, 5000, 10*time.Second) }
