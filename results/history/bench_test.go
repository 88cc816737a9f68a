package history

import (
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history/detect"
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
	for run := range simulated.Nights("nightly", arms, yearsOfNights, 1, nil) {
		for i, r := range run.Records {
			run.Records[i] = r.Slim()
		}
		onDisk(b, filepath.Join(dir, "simulated"), run)
	}
	return dir
}

// Five years of nights are read and checked in under 3 s of two processors and
// 200 MiB.
const (
	mostTime   = 6 * time.Second // of all processors
	mostMemory = 200 << 20
)

func BenchmarkCheckFiveYears(b *testing.B) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(150 << 20)) // as the command does
	dir := fiveYears(b)
	runtime.GC()
	debug.FreeOSMemory()
	for b.Loop() {
		began := processorTime(b)
		h, err := Read(dir, later)
		if err != nil || len(h.Runs) != yearsOfNights || len(h.Damaged) > 0 {
			b.Fatal(err, len(h.Runs))
		}
		read := processorTime(b) - began
		if c := h.Check("nightly", "simulated", detect.DefaultThreshold); c.Nights != yearsOfNights {
			b.Fatal(c.Nights)
		}
		all := processorTime(b) - began
		b.ReportMetric(read.Seconds(), "cpu-s/read")
		b.ReportMetric(all.Seconds(), "cpu-s/check")
		if all > mostTime {
			b.Errorf("took %s of processor time, over %s", all, mostTime)
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/(1<<20), "MiB")
	if m.Sys > mostMemory {
		b.Errorf("%d MiB", m.Sys>>20)
	}
}

// processorTime is what this process has used: it does not depend on what
// else the host does.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
