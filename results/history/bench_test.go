package history

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/simulated"
)

// Five years of nights of 16 cells, each three times.
const (
	yearsOfNights = 1826
	manyCells     = 16
)

// fiveYears fills a folder, a file at a time, as the nights did.
func fiveYears(b *testing.B) string {
	b.Helper()
	var arms []simulated.Arm
	for i := range manyCells {
		arms = append(arms, simulated.Arm{Cell: trial.Cell{{Factor: "runtime", Level: "podman"}, {Factor: "strategy", Level: fmt.Sprint(i)}},
			Median: 300 + float64(i), Spread: 0.05, Crash: 0.02, Lost: 100, Recovery: 30})
	}
	dir := b.TempDir()
	h := newHistory(dir, later)
	f, err := hold(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer f.release()
	for run := range simulated.Nights("nightly", arms, yearsOfNights, 1, nil) {
		header := headerOf(run)
		lines, err := h.missing(header, run, &Added{})
		if err != nil {
			b.Fatal(err)
		}
		text := make([]string, len(lines))
		for i, l := range lines {
			text[i] = string(l)
		}
		if err := os.WriteFile(dir+"/"+fileName(header), []byte(strings.Join(text, "\n")+"\n"), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

// Reading alone.
func BenchmarkRead(b *testing.B) {
	dir := fiveYears(b)
	runtime.GC()
	for b.Loop() {
		h, err := Read(dir, later)
		if err != nil || len(h.Runs) != yearsOfNights || len(h.Faults) > 0 {
			b.Fatal(err, len(h.Runs), h.Faults[:min(3, len(h.Faults))])
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/(1<<20), "MiB")
}
