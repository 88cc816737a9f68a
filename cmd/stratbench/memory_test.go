package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// BenchmarkJudgeReport80MB has a process of its own judge a JUnit report of 80 MB
// with 260 000 tests. The process as a whole may take 100 MiB.
func BenchmarkJudgeReport80MB(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("the peak of a process has another unit on other systems")
	}
	const tests, most = 260_000, 100
	name := filepath.Join(b.TempDir(), "junit.xml")
	file, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, `<testsuites><testsuite name="e2e">`)
	output := strings.Repeat("printed by the test ", 8)
	for n := range tests {
		fmt.Fprintf(w, "<testcase classname=\"example.test/e2e/suite\" name=\"TestNumber%06d/with_a_longer_name\" time=\"0.001\"><system-out>%s</system-out></testcase>\n", n, output)
	}
	fmt.Fprintln(w, `</testsuite></testsuites>`)
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	written, err := file.Stat()
	if err != nil {
		b.Fatal(err)
	}
	file.Close()
	b.SetBytes(written.Size())
	peak, cpu := 0.0, 0.0
	for b.Loop() {
		command := exec.Command("stratbench", "classify", "--report", name, "--exit-code", "0")
		out, err := command.CombinedOutput()
		if want := fmt.Sprintf("ok: %d passed", tests); err != nil || !strings.HasPrefix(string(out), want) {
			b.Fatalf("%v: %s", err, out)
		}
		peak = max(peak, float64(command.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)/1024)
		cpu += (command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Seconds()
	}
	b.ReportMetric(peak, "peak-rss-MiB")
	b.ReportMetric(cpu/float64(b.N), "cpu-s/op")
	if peak > most {
		b.Errorf("it took %.0f MiB; the bar is %d", peak, most)
	}
}
