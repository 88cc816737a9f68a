package classify

import (
	"context"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const benchSize = 100 << 20

// repeated reads as text over and over, up to size bytes.
type repeated struct {
	text string
	at   int
	left int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.left)], r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	r.left -= n
	return n, nil
}

// Green is what logs mostly are; Failing says the same failures again and
// again, so that every line meets rules; Wide is one line without an end.
func BenchmarkClassify100MB(b *testing.B) {
	failing := "Error: server probably quit: unexpected EOF\n" +
		"Warning  Failed  kubelet  Failed to pull image \"shop:dev\": dial tcp 10.0.0.1:5000: connect: connection refused\n" +
		"#12 ERROR: failed to solve: process \"/bin/sh -c make\" did not complete successfully: exit code: 137\n" +
		"E0101 10:00:00.1 1 leaderelection.go:1] error retrieving resource lock: context deadline exceeded\n" +
		"--- FAIL: TestCheckout (1.20s)\n"
	for name, text := range map[string]string{
		"Green":   greenLog(20_000),
		"Failing": failing,
		"Wide":    strings.ReplaceAll(failing, "\n", " "),
	} {
		b.Run(name, func(b *testing.B) {
			builtinClassifier()
			b.SetBytes(benchSize)
			b.ReportAllocs()
			debug.FreeOSMemory()
			before := cpuSeconds()
			for b.Loop() {
				if _, err := Classify(context.Background(), Options{}, &repeated{text: text, left: benchSize}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((cpuSeconds()-before)/float64(b.N), "cpu-s/op")
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.Sys)/(1<<20), "sys-MiB")
			b.ReportMetric(peakRSS(), "peak-rss-MiB")
		})
	}
}

// cpuSeconds is the processor time of this process, which a busy machine does
// not stretch as it does the time on the clock.
func cpuSeconds() float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// peakRSS is the most memory that this process ever had, in MiB; 0 where the
// system does not tell.
func peakRSS() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.Atoi(strings.Fields(value)[0])
			return float64(kib) / 1024
		}
	}
	return 0
}
