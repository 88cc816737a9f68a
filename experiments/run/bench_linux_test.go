package run

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/lab"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/connect"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// pairs is how often each side of a ratio is measured, in turn.
const pairs = 3

// BenchmarkAgainstKind measures the phases cluster and load beside what the
// kind command does on the same kind of machine with the same images, in turn.
// cluster/kind and load/kind are ratios of medians: at most 1.15 and 0.7.
// outside-% is the time of a trial outside its phases: at most 5. memory-MiB is
// the most that runner, worker and the machine's first process used together:
// under 150.
func BenchmarkAgainstKind(b *testing.B) {
	dir := b.TempDir()
	kind, stratbench := buildProgram(b, dir, "sigs.k8s.io/kind"), buildProgram(b, dir, "github.com/stratbench/stratbench/cmd/stratbench")
	var ourCluster, ourLoad, outside, kindCluster, kindLoad, memory []float64
	for b.Loop() {
		for i := range pairs {
			record, peak := oneTrial(b, stratbench, filepath.Join(dir, strconv.Itoa(i)))
			ourCluster = append(ourCluster, phaseSeconds(b, record, trial.PhaseCluster))
			ourLoad = append(ourLoad, phaseSeconds(b, record, trial.PhaseLoad))
			outside = append(outside, 100*outsidePhases(record))
			memory = append(memory, peak)
			cluster, load := byKind(b, kind)
			kindCluster, kindLoad = append(kindCluster, cluster), append(kindLoad, load)
		}
	}
	b.Logf("cluster %.1f s, kind %.1f s; load %.2f s, kind %.2f s", ourCluster, kindCluster, ourLoad, kindLoad)
	b.ReportMetric(middle(ourCluster)/middle(kindCluster), "cluster/kind")
	b.ReportMetric(middle(ourLoad)/middle(kindLoad), "load/kind")
	b.ReportMetric(middle(outside), "outside-%")
	b.ReportMetric(slices.Max(memory), "memory-MiB")
}

// BenchmarkMachine measures a machine from nothing to its engine answering (at
// most 3 s), and from there to nothing again with the next copy of the golden
// state made (reset, at most 2 s).
func BenchmarkMachine(b *testing.B) {
	for _, rt := range trial.Runtimes() {
		b.Run(string(rt), func(b *testing.B) {
			p, s := benchPlace(b, rt)
			var starts, resets []float64
			for b.Loop() {
				began := time.Now()
				m, err := p.start(b.Context(), s, "", "bench", b.TempDir())
				if err != nil {
					b.Fatal(err)
				}
				starts = append(starts, time.Since(began).Seconds())
				began = time.Now()
				if err := m.Close(context.Background()); err != nil {
					b.Fatal(err)
				}
				resets = append(resets, time.Since(began).Seconds())
			}
			b.ReportMetric(middle(starts), "start-s")
			b.ReportMetric(middle(resets), "reset-s")
		})
	}
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

func buildProgram(b *testing.B, dir, pkg string) string {
	b.Helper()
	path := filepath.Join(dir, filepath.Base(pkg))
	if out, err := exec.Command("go", "build", "-o", path, pkg).CombinedOutput(); err != nil {
		b.Fatalf("building %s: %v: %s", pkg, err, out)
	}
	return path
}

func benchPlace(b *testing.B, rt trial.Runtime, binds ...string) (*isolatedPlace, spec.Settings) {
	b.Helper()
	cache, err := CacheDir()
	if err != nil {
		b.Fatal(err)
	}
	p, s := &isolatedPlace{cache: cache, binds: binds, report: func(Update) {}}, spec.Settings{Runtime: rt, Memory: 7 << 30}
	if err := p.prepare(b.Context(), []spec.Settings{s}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.close() })
	return p, s
}

// oneTrial runs the shipped workload with the program as it ships, and returns
// its record and the most memory that its processes had at once, in MiB.
func oneTrial(b *testing.B, program, root string) (results.Record, float64) {
	b.Helper()
	cmd := exec.Command(program, "run", "testdata/bench.yaml", "--dir", root, "--machine", "isolated")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	peak := 0.0
	for {
		select {
		case err := <-ended:
			dir, findErr := results.Find(root, "latest")
			run, readErr := results.ReadRun(dir)
			if err != nil || findErr != nil || readErr != nil || run.Trials()[0].Verdict.Outcome != trial.OK {
				b.Fatalf("%v, %v, %v: %s", err, findErr, readErr, said.String())
			}
			return *run.Trials()[0], peak
		case <-time.After(100 * time.Millisecond):
			peak = max(peak, memoryMiB(program))
		}
	}
}

// memoryMiB adds up the memory of all processes of a program. Pages that they
// share, such as the program itself, count once.
func memoryMiB(program string) (sum float64) {
	ours, err := os.Stat(program)
	if err != nil {
		return 0
	}
	programs, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, p := range programs {
		if theirs, err := os.Stat(p); err != nil || !os.SameFile(ours, theirs) {
			continue
		}
		rollup, _ := os.ReadFile(filepath.Join(filepath.Dir(p), "smaps_rollup"))
		for line := range strings.Lines(string(rollup)) {
			if fields := strings.Fields(line); fields[0] == "Pss:" {
				kib, _ := strconv.Atoi(fields[1])
				sum += float64(kib) / 1024
			}
		}
	}
	return sum
}

func phaseSeconds(b *testing.B, r results.Record, p trial.Phase) float64 {
	b.Helper()
	for _, s := range r.Spans {
		if s.Name == string(p) {
			return s.Length().Duration().Seconds()
		}
	}
	b.Fatalf("%s has no phase %s", r.Trial, p)
	return 0
}

// outsidePhases is the share of a trial in which no phase ran.
func outsidePhases(r results.Record) float64 {
	first, last := r.Elapsed, trial.Seconds(0)
	for _, s := range r.Spans {
		if s.Name == string(s.Phase) && s.Phase != "" {
			first, last = min(first, s.Start), max(last, s.End)
		}
	}
	return 1 - float64(last-first)/float64(r.Elapsed)
}

// byKind does with the kind command what the phases cluster and load do.
func byKind(b *testing.B, kind string) (cluster, load float64) {
	b.Helper()
	spec, err := spec.Load("testdata/bench.yaml")
	if err != nil {
		b.Fatal(err)
	}
	config := filepath.Join(b.TempDir(), "kind.yaml")
	if err := os.WriteFile(config, lab.ClusterConfig, 0o644); err != nil {
		b.Fatal(err)
	}
	p, s := benchPlace(b, trial.Docker, filepath.Dir(kind), filepath.Dir(config), spec.Workload.Dir)
	defer p.close()
	m, err := p.start(b.Context(), s, "", "kind", b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close(context.Background())
	cluster = timeInside(b, m, kind, "create", "cluster", "--image", lab.NodeImageName, "--config", config, "--wait", "2m")
	tags := buildImages(b, m, p, spec)
	return cluster, timeInside(b, m, append([]string{kind, "load", "docker-image"}, tags...)...)
}

func timeInside(b *testing.B, m machine.Machine, argv ...string) float64 {
	b.Helper()
	var said bytes.Buffer
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	if err := m.Start(cmd); err != nil {
		b.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		b.Fatalf("%s: %v: %s", strings.Join(argv, " "), err, said.String())
	}
	return time.Since(began).Seconds()
}

func buildImages(b *testing.B, m machine.Machine, p place, spec *spec.Spec) (tags []string) {
	b.Helper()
	engine, err := connect.Engine(b.Context(), m.WatchEndpoint())
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	for _, i := range spec.Workload.Images {
		build := runtimes.Build{Tag: i.Tag, Context: i.Context, Dockerfile: i.Dockerfile, Args: p.buildArgs()}
		if _, err := engine.Build(context.Background(), build, func(runtimes.Progress) {}); err != nil {
			b.Fatal(err)
		}
		tags = append(tags, i.Tag)
	}
	return tags
}
