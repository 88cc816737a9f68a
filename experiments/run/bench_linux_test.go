package run

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
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
	"github.com/stratbench/stratbench/results/claims"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/connect"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// The bars of what stratbench itself takes: the share of a trial outside its phases, in
// per cent, and the memory of runner, worker and the machine's first process together,
// in MiB.
const mostOutside, mostMemory = 2, 110

// pairs is how often each side of a ratio is measured, in turn: the fewest that give a
// 95 % interval two ends.
const pairs = 6

// TestAgainstKind measures the phases cluster and load beside what the kind command
// does on the same type of machine with the same images, in turn. Its bars are
// hypotheses, tested as those of a spec.
func TestAgainstKind(t *testing.T) {
	page := speedPage(t)
	dir := t.TempDir()
	var limits []string
	kind, stratbench := buildProgram(t, dir, "sigs.k8s.io/kind"), buildProgram(t, dir, "github.com/stratbench/stratbench/cmd/stratbench")
	measured := results.Run{Dir: "against-kind"}
	bar := func(phase trial.Phase, ratio float64, where trial.Levels) {
		measured.Plan.Hypotheses = append(measured.Plan.Hypotheses, trial.Hypothesis{Kind: trial.HypothesisTime, Phase: phase, Ratio: ratio, Where: where,
			Of: trial.Levels{"tool": "stratbench"}, Against: trial.Levels{"tool": "kind"}})
	}
	bar(trial.PhaseCluster, 1.15, nil)
	for _, load := range []struct {
		images     string
		count, mib int
		ratio      float64
	}{{"3 of 50 MiB", 3, 50, 0.4}, {"1 of 450 MiB", 1, 450, 0.7}} {
		bar(trial.PhaseLoad, load.ratio, trial.Levels{"images": load.images})
		file := writeImages(t, load.count, load.mib)
		for i := range pairs {
			run, _ := runShipped(t, stratbench, file, filepath.Join(dir, fmt.Sprintf("%d-%d", load.mib, i)))
			cluster, loaded := byKind(t, kind, file)
			for tool, spans := range map[string][]trial.Span{
				"stratbench": run.Trials()[0].Spans,
				"kind":       {{Name: "cluster", Phase: trial.PhaseCluster, End: cluster}, {Name: "load", Phase: trial.PhaseLoad, Start: cluster, End: cluster + loaded}},
			} {
				last := slices.MaxFunc(spans, func(a, b trial.Span) int { return int(a.End - b.End) })
				measured.Records = append(measured.Records, results.Record{Kind: results.KindTrial, Spans: spans, Setup: &last.End, Verdict: trial.Verdict{Outcome: trial.OK},
					Trial: trial.Trial{ID: strconv.Itoa(len(measured.Records)), Block: i + 1, Cell: trial.Cell{{Factor: "tool", Level: tool}, {Factor: "images", Level: load.images}}}})
			}
		}
		var saves, imports []float64
		for range 3 {
			saved, imported := byParts(t, kind, file)
			saves, imports = append(saves, saved.Duration().Seconds()), append(imports, imported.Duration().Seconds())
		}
		saving, importing := middle(saves), middle(imports)
		limits = append(limits, fmt.Sprintf("The limit of a load (images %s): docker save alone takes %.1f s and containerd's import alone %.1f s (medians of 3). "+
			"kind does one after the other; what does both at once takes at least %.2f × as long.", load.images, saving, importing, max(saving, importing)/(saving+importing)))
	}
	appendLines(t, page, append(report.Hypotheses(claims.Test(study.Gather([]results.Run{measured}))), limits...)...)
}

// TestOverhead measures what stratbench itself takes: memory while it runs the shipped
// workload on both engines, and the time of trials outside their phases, in the run in
// the folder STRATBENCH_SPEED_RUN.
func TestOverhead(t *testing.T) {
	page := speedPage(t)
	speed, err := results.ReadRun(os.Getenv("STRATBENCH_SPEED_RUN"))
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range trial.Runtimes() {
		var shares, lengths []float64
		spans := map[string][]float64{}
		for _, o := range study.Gather([]results.Run{speed}).Trials {
			if !o.Ready || o.Record.Machine.Runtime != string(rt) {
				continue
			}
			shares = append(shares, 100*outsidePhases(o.Record))
			lengths = append(lengths, o.Record.Elapsed.Duration().Seconds())
			for _, s := range o.Record.Spans {
				spans[s.Name] = append(spans[s.Name], s.Length().Duration().Seconds())
			}
		}
		if len(shares) == 0 {
			t.Fatalf("no trial of %s became ready in %s", rt, speed.Dir)
		}
		share := middle(shares)
		appendLines(t, page, fmt.Sprintf("%s: on %s at most %d %% of a trial is outside of its phases. Median %.1f %% (%.1f to %.1f), of %d trials of %.0f s: "+
			"the engine answers after %.1f s, and taking everything away takes %.1f s.",
			met(share <= mostOutside), rt, mostOutside, share, slices.Min(shares), slices.Max(shares), len(shares), middle(lengths),
			middle(spans["machine"]), middle(spans["teardown"])))
	}
	dir := t.TempDir()
	_, peak := runShipped(t, buildProgram(t, dir, "github.com/stratbench/stratbench/cmd/stratbench"), "testdata/bench.yaml", dir)
	appendLines(t, page, fmt.Sprintf("%s: runner, worker and the machine's first process hold at most %d MiB together. %.0f MiB at most, in a trial of parallel builds on each engine; %.0f MiB of it are the program's own pages.",
		met(peak.all <= mostMemory), mostMemory, peak.all, peak.program))
}

func met(is bool) string {
	if is {
		return "Bar met"
	}
	return "Bar not met"
}

// speedPage is the file that collects lines for docs/speed.md.
func speedPage(t *testing.T) string {
	t.Helper()
	page := os.Getenv("STRATBENCH_SPEED_ROWS")
	if page == "" {
		t.Skip("make bench runs it")
	}
	needMachines(t)
	return page
}

func appendLines(t *testing.T, page string, lines ...string) {
	t.Helper()
	f, err := os.OpenFile(page, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, strings.Join(lines, "\n")); err != nil {
		t.Fatal(err)
	}
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

func buildProgram(t testing.TB, dir, pkg string) string {
	t.Helper()
	path := filepath.Join(dir, filepath.Base(pkg))
	if out, err := exec.Command("go", "build", "-o", path, pkg).CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v: %s", pkg, err, out)
	}
	return path
}

func benchPlace(t testing.TB, rt trial.Runtime, binds ...string) (*isolatedPlace, spec.Settings) {
	t.Helper()
	cache, err := CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	p, s := &isolatedPlace{cache: cache, binds: binds, report: func(Update) {}}, spec.Settings{Runtime: rt, Memory: 7 << 30}
	if err := p.prepare(t.Context(), []spec.Settings{s}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.close() })
	return p, s
}

// writeImages writes an experiment with so many images of so many MiB that do not
// compress, and returns the path of its spec.
func writeImages(t *testing.T, count, mib int) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, text io.Reader) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := io.Copy(f, text); err != nil {
			t.Fatal(err)
		}
	}
	workload := "apiVersion: stratbench/v1\ndeploy: []\ntest: {command: [/bin/true], format: exit-code}\nimages:\n"
	for i := range count {
		name := fmt.Sprintf("image-%d", i+1)
		workload += fmt.Sprintf("  - {name: %s, tag: \"stratbench.local/%s:bench\", context: %s}\n", name, name, name)
		write(name+"/Dockerfile", strings.NewReader("FROM scratch\nCOPY data /data\n"))
		write(name+"/data", io.LimitReader(rand.NewChaCha8([32]byte{byte(i)}), int64(mib)<<20))
	}
	write("workload.yaml", strings.NewReader(workload))
	write("spec.yaml", strings.NewReader(`apiVersion: stratbench/v1
name: against-kind
workload: workload.yaml
factors: {strategy: [serial]}
settings: {runtime: docker, memory: 7GiB}
design: {replicates: 1, warmUp: 0, seed: 1, reference: false}
`))
	return filepath.Join(dir, "spec.yaml")
}

// runShipped runs an experiment with the program as it ships, and returns the run and
// the most memory that the program's processes had at once. Every trial must
// become ready.
func runShipped(t *testing.T, program, file, root string) (results.Run, held) {
	t.Helper()
	cmd := exec.Command(program, "run", file, "--dir", root, "--machine", "isolated")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	var peak held
	for {
		select {
		case err := <-ended:
			dir, findErr := results.Find(root, "latest")
			run, readErr := results.ReadRun(dir)
			if err != nil || findErr != nil || readErr != nil {
				t.Fatalf("%v, %v, %v: %s", err, findErr, readErr, said.String())
			}
			for _, r := range run.Trials() {
				if r.Verdict.Outcome != trial.OK {
					t.Fatalf("%s: %s: %s", r.Trial, r.Verdict.Outcome, said.String())
				}
			}
			return run, peak
		case <-time.After(100 * time.Millisecond):
			if now := memoryOf(program); now.all > peak.all {
				peak = now
			}
		}
	}
}

// held is the memory of all processes of a program, in MiB, and how much of it are pages
// of the program's file. Pages that they share count once.
type held struct{ all, program float64 }

func memoryOf(program string) (sum held) {
	ours, err := os.Stat(program)
	if err != nil {
		return sum
	}
	programs, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, p := range programs {
		if theirs, err := os.Stat(p); err != nil || !os.SameFile(ours, theirs) {
			continue
		}
		rollup, _ := os.ReadFile(filepath.Join(filepath.Dir(p), "smaps_rollup"))
		for line := range strings.Lines(string(rollup)) {
			fields := strings.Fields(line)
			if kib, _ := strconv.Atoi(fields[1]); fields[0] == "Pss:" {
				sum.all += float64(kib) / 1024
			} else if fields[0] == "Pss_File:" {
				sum.program += float64(kib) / 1024
			}
		}
	}
	return sum
}

// outsidePhases is the share of a trial before its first phase and after its last.
func outsidePhases(r *results.Record) float64 {
	first, last := r.Elapsed, trial.Seconds(0)
	for _, s := range r.Spans {
		if s.IsPhase() {
			first, last = min(first, s.Start), max(last, s.End)
		}
	}
	return 1 - float64(last-first)/float64(r.Elapsed)
}

// byKind does with the kind command what the phases cluster and load do with the
// images of an experiment.
func byKind(t *testing.T, kind, file string) (cluster, load trial.Seconds) {
	t.Helper()
	cluster = withKind(t, kind, file, func(m machine.Machine, tags []string) {
		load = timeInside(t, m, append([]string{kind, "load", "docker-image"}, tags...)...)
	})
	return cluster, load
}

// byParts does what kind load does, in its two parts.
func byParts(t *testing.T, kind, file string) (saved, imported trial.Seconds) {
	t.Helper()
	withKind(t, kind, file, func(m machine.Machine, tags []string) {
		save := "docker save " + strings.Join(tags, " ")
		saved = timeInside(t, m, "sh", "-c", save+" >/dev/null")
		timeInside(t, m, "sh", "-c", save+" >/tmp/images.tar")
		imported = timeInside(t, m, "sh", "-c", "docker exec -i kind-control-plane ctr --namespace=k8s.io images import --all-platforms --digests --snapshotter=overlayfs - </tmp/images.tar")
	})
	return saved, imported
}

// withKind does something on a machine of Docker's with the images of an experiment and a
// cluster that the kind command has created, and returns how long that took.
func withKind(t *testing.T, kind, file string, do func(m machine.Machine, tags []string)) (cluster trial.Seconds) {
	t.Helper()
	spec, err := spec.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "kind.yaml")
	if err := os.WriteFile(config, lab.ClusterConfig, 0o644); err != nil {
		t.Fatal(err)
	}
	p, s := benchPlace(t, trial.Docker, filepath.Dir(kind), filepath.Dir(config), spec.Workload.Dir)
	defer p.close()
	m, err := p.start(t.Context(), s, "", "kind", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(context.Background())
	cluster = timeInside(t, m, kind, "create", "cluster", "--image", lab.NodeImageName, "--config", config, "--wait", "2m")
	do(m, buildImages(t, m, p, spec))
	return cluster
}

func timeInside(t *testing.T, m machine.Machine, argv ...string) trial.Seconds {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	if err := m.Start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(argv, " "), err, said.String())
	}
	return trial.Seconds(time.Since(began))
}

func buildImages(t *testing.T, m machine.Machine, p place, s *spec.Spec) (tags []string) {
	t.Helper()
	engine, err := connect.Engine(t.Context(), m.WatchEndpoint())
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	for _, i := range s.Workload.Images {
		build := runtimes.Build{Tag: i.Tag, Context: i.Context, Dockerfile: i.Dockerfile, Args: buildArgs(p, spec.Image{}, spec.Settings{})}
		if _, err := engine.Build(context.Background(), build, func(runtimes.Progress) {}); err != nil {
			t.Fatal(err)
		}
		tags = append(tags, i.Tag)
	}
	return tags
}
