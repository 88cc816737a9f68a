package page_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report/page"
	"github.com/stratbench/stratbench/results/simulated"
)

// recorded is a run's folder as it stands on disk, made in parts so that the
// making of it is not what takes the memory.
func recorded(b *testing.B, blocks int) string {
	b.Helper()
	const part = 100
	dir := filepath.Join(b.TempDir(), "simulated")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	file, err := os.Create(filepath.Join(dir, results.JournalFile))
	if err != nil {
		b.Fatal(err)
	}
	journal := bufio.NewWriter(file)
	enc := json.NewEncoder(journal)
	var plan results.Plan
	for first := 0; first < blocks; first += part {
		run := simulated.Run(simulated.Matrix()[:20], min(part, blocks-first), uint64(first))
		plan.Cells = run.Plan.Cells
		for _, r := range run.Records {
			r.Spans = slices.DeleteFunc(r.Spans, func(s trial.Span) bool { return s.Image != "" })
			r.Trial.Block += first
			r.Trial.Position += first * len(plan.Cells)
			r.Trial.ID = fmt.Sprintf("t%06d", r.Trial.Position)
			plan.Trials = append(plan.Trials, r.Trial)
			if err := enc.Encode(r); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := errors.Join(journal.Flush(), file.Close()); err != nil {
		b.Fatal(err)
	}
	for name, value := range map[string]any{results.PlanFile: plan, results.EnvironmentFile: results.Environment{Schema: results.Schema}} {
		text, err := json.Marshal(value)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o644)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

// reportOf reads a run, analyses it and writes the whole report.
func reportOf(b *testing.B, dir string) {
	b.Helper()
	run, err := results.ReadRun(dir)
	if err != nil || len(run.Damaged) > 0 {
		b.Fatal(err, run.Damaged)
	}
	m := material(b, run)
	data := map[string]any{"analysis.json": m.Analysis, "answer.json": m.Answer}
	if err := page.Report(m).Write(b.TempDir(), data, false); err != nil {
		b.Fatal(err)
	}
}

func benchmark(b *testing.B, blocks int, most time.Duration) {
	dir := recorded(b, blocks)
	b.ReportMetric(float64(20*blocks), "trials")
	for b.Loop() {
		start := time.Now()
		reportOf(b, dir)
		if took := time.Since(start); took > most {
			b.Errorf("%d trials took %s, over %s", 20*blocks, took, most)
		}
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	b.ReportMetric(float64(memory.Sys)/(1<<20), "MiB")
	if memory.Sys > 700<<20 {
		b.Errorf("%d MiB", memory.Sys>>20)
	}
}

// A report of 240 trials takes under 1 s, one of 100 000 under 8 s and 700 MiB.
func BenchmarkReport240(b *testing.B)    { benchmark(b, 12, time.Second) }
func BenchmarkReport100000(b *testing.B) { benchmark(b, 5000, 8*time.Second) }
