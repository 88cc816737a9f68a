package run

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/connect"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

// TestBelongings runs stratbench on engines that it did not start, beside
// belongings of a user that resemble a trial's as closely as can be. However a
// run ends, every one of them is afterwards what it was, and nothing else is
// there: images with all their names, containers, networks, volumes, build
// cache and the user's own files.
//
// It takes a quarter of an hour and has not passed in all its parts yet, so it
// is run by make belongings and not with the other tests.
func TestBelongings(t *testing.T) {
	if os.Getenv("STRATBENCH_BELONGINGS") == "" {
		t.Skip("make belongings runs it")
	}
	needMachines(t)
	start := computers(t)
	for _, rt := range trial.Runtimes() {
		t.Run(string(rt), func(t *testing.T) {
			c, other := start(t, rt), start(t, rt)
			c.settleIn(t)
			other.settleIn(t)
			c.ends(t, "a good run", func() { c.run(t, "good", trial.OK) })
			c.ends(t, "a failed run", func() { c.run(t, "failed", trial.ClusterCreateFailed) })
			c.ends(t, "a run that Ctrl-C stops", func() { c.stop(t, "> load", os.Interrupt) })
			c.ends(t, "a run whose terminal goes", func() { c.stop(t, "> build", syscall.SIGHUP) })
			c.ends(t, "a killed run, and one that follows", func() {
				c.kill(t, "> load")
				c.work(t)
				c.run(t, "failed", trial.ClusterCreateFailed)
			})
			c.ends(t, "a killed run, one on another engine, and a clean-up", func() {
				c.kill(t, "> build")
				c.work(t)
				other.takeCache(t, c)
				other.ends(t, "a run after one was killed elsewhere", func() { other.run(t, "failed", trial.ClusterCreateFailed) })
				c.command(t, cleanerCommand).wait(t)
			})
		})
	}
	t.Run("docker with images in containerd", func(t *testing.T) {
		c := start(t, trial.Docker)
		c.useContainerd(t)
		c.settleIn(t)
		c.ends(t, "a failed run", func() { c.run(t, "failed", trial.ClusterCreateFailed) })
		c.ends(t, "a killed run, and a clean-up", func() {
			c.kill(t, "> build")
			c.work(t)
			c.command(t, cleanerCommand).wait(t)
		})
	})
}

// computer is a user's computer with an engine that runs already.
type computer struct {
	*isolated.Machine
	rt     trial.Runtime
	engine runtimes.Engine
	// env leads programs on the computer to the engine.
	env []string
	// want is what is on the computer, and the user's.
	want belongings
	// owed is what a killed run left there.
	owed  belongings
	works int
	runs  int
}

// computers returns how to have a user's computer.
func computers(t *testing.T) (start func(*testing.T, trial.Runtime) *computer) {
	t.Helper()
	here, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	p := newIsolatedPlace(cache, []string{here})
	var all []experiments.Settings
	for _, rt := range trial.Runtimes() {
		all = append(all, experiments.Settings{Runtime: rt})
	}
	if err := p.prepare(t.Context(), all, func(text string) { t.Log(text) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.close() })
	return func(t *testing.T, rt trial.Runtime) *computer {
		t.Helper()
		m, err := p.start(t.Context(), experiments.Settings{Runtime: rt}, "t", t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close(context.Background()) })
		c := &computer{Machine: m.(*isolated.Machine), rt: rt, engine: engineAt(t, m.WatchEndpoint())}
		c.env = append(m.Endpoint().Environ([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}),
			"PODMAN_IGNORE_CGROUPSV1_WARNING=1")
		return c
	}
}

func engineAt(t *testing.T, at runtimes.Endpoint) runtimes.Engine {
	t.Helper()
	engine, err := connect.Engine(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	return engine
}

// useContainerd starts a second Docker on the computer, with the image store of
// containerd, and uses that from now on. It has no networks, so that the two do
// not meet.
func (c *computer) useContainerd(t *testing.T) {
	t.Helper()
	p := c.command(t, "/bin/sh", "-c", `echo '{"features": {"containerd-snapshotter": true}}' >/run/second.json; exec dockerd --config-file /run/second.json`+" --data-root /var/lib/second --exec-root /run/second --pidfile /run/second.pid "+
		"--host unix:///run/second.sock --bridge none --iptables=false --ip6tables=false --exec-opt native.cgroupdriver=cgroupfs >/run/second.log 2>&1")
	t.Cleanup(func() { p.Process.Kill(); p.Wait() })
	at := c.WatchEndpoint()
	at.Address = strings.Replace(at.Address, "docker.sock", "second.sock", 1)
	for range 300 {
		if engine, err := connect.Engine(t.Context(), at); err == nil {
			engine.Close()
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	c.engine = engineAt(t, at)
	for i, v := range c.env {
		c.env[i] = strings.Replace(v, "docker.sock", "second.sock", 1)
	}
}

// takeCache gives a computer the cache folder of another, as that of a user who
// points stratbench at another engine.
func (c *computer) takeCache(t *testing.T, from *computer) {
	t.Helper()
	const cache = "root/.cache/stratbench"
	if err := os.RemoveAll(filepath.Join(c.Root(), cache)); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(c.Root(), cache), os.DirFS(filepath.Join(from.Root(), cache))); err != nil {
		t.Fatal(err)
	}
}

// belongings are what is on a computer: names of things, and what they are.
type belongings map[string]string

func (c *computer) belongings(t *testing.T) belongings {
	t.Helper()
	contents, err := c.engine.Contents(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	b := belongings{}
	for _, i := range contents.Images {
		slices.Sort(i.Names)
		b["image "+string(i.ID)] = strings.Join(i.Names, " ")
	}
	for kind, objects := range map[string][]runtimes.Object{"container": contents.Containers, "network": contents.Networks, "volume": contents.Volumes} {
		for _, o := range objects {
			b[kind+" "+o.Name] = o.ID
		}
	}
	for _, id := range contents.BuildCache {
		b["build cache "+id] = ""
	}
	files := c.command(t, "/bin/sh", "-c", "find /root/.kube /root/.docker /root/.config -type f -exec sha256sum {} +").wait(t)
	for line := range strings.Lines(files) {
		b["file "+strings.TrimSpace(line)] = ""
	}
	return b
}

// without are the belongings that others has not.
func (b belongings) without(others belongings) belongings {
	left := maps.Clone(b)
	maps.DeleteFunc(left, func(k, _ string) bool { _, had := others[k]; return had })
	return left
}

// settleIn gives the user what a trial could mistake for its own: the same
// content under the workload's names, under others and under none, and clusters,
// networks and volumes with names like a trial's.
func (c *computer) settleIn(t *testing.T) {
	t.Helper()
	for _, kept := range []struct{ name, service string }{
		{"stratbench.local/red:test", "red"}, {"mine/red:latest", "red"}, {"stratbench.local/trial/mine:latest", "red"}, {"mine/passing:1", "green"}, {"mine/passing:1", "other"},
	} {
		c.build(t, kept.name, kept.service, false)
	}
	client := string(c.rt)
	for _, argv := range [][]string{
		{client, "network", "create", "stratbench-mine"},
		{client, "volume", "create", "stratbench-mine"},
		{client, "create", "--name", "stratbench-trial-control-plane", "--label", clusterLabel + "=stratbench-trial", fullTag(c.rt, "mine/red:latest"), "/x"},
		{client, "create", "--name", "of-another-host", "--label", clusterLabel + "=stratbench-20260101-000000-abcdef-t001", fullTag(c.rt, "mine/red:latest"), "/x"},
		{"/bin/sh", "-c", "mkdir -p /root/.kube /root/.docker/contexts /root/.config; echo mine >/root/.kube/config; echo '{}' >/root/.docker/config.json; echo mine >/root/.docker/contexts/mine"},
	} {
		if c.noNetworks() && argv[1] == "network" {
			continue
		}
		c.command(t, argv...).wait(t)
	}
	c.want = c.belongings(t)
}

func (c *computer) noNetworks() bool {
	return strings.Contains(strings.Join(c.env, " "), "second.sock")
}

func (c *computer) build(t *testing.T, tag, service string, noCache bool) {
	t.Helper()
	b := runtimes.Build{Tag: fullTag(c.rt, tag), Context: "testdata/belongings/service", Args: map[string]string{"NAME": service}, NoCache: noCache}
	if _, err := c.engine.Build(t.Context(), b, func(runtimes.Progress) {}); err != nil {
		t.Fatal(err)
	}
}

// fullTag is a tag as the engine's own command understands it.
func fullTag(rt trial.Runtime, tag string) string {
	if rt == trial.Podman && !strings.Contains(strings.Split(tag, "/")[0], ".") {
		return "localhost/" + tag
	}
	return tag
}

// work is what a user does while a killed run has not been cleaned up: the
// workload's image is built anew under its name, another under none, and a
// volume made. All of it is the user's from then on.
func (c *computer) work(t *testing.T) {
	t.Helper()
	before := c.belongings(t)
	c.owed = before.without(c.want)
	if len(c.owed) == 0 {
		t.Error("the killed run has left nothing: it was killed too late or too early to show anything")
	}
	c.works++
	c.build(t, "stratbench.local/red:test", fmt.Sprint("red of day ", c.works), true)
	c.build(t, "stratbench.local/green:test", "green", false)
	c.command(t, string(c.rt), "volume", "create", fmt.Sprint("stratbench-mine-", c.works)).wait(t)
	c.want = c.belongings(t).without(c.owed)
}

// ends checks that what happens leaves the user's belongings as they are.
func (c *computer) ends(t *testing.T, what string, happens func()) {
	t.Helper()
	happens()
	now := c.belongings(t)
	for k, v := range c.want {
		if is, there := now[k]; !there {
			t.Errorf("after %s: lost: %s (%s)", what, k, v)
		} else if is != v {
			t.Errorf("after %s: %s was %q and is %q", what, k, v, is)
		}
	}
	for k, v := range now.without(c.want) {
		t.Errorf("after %s: left behind: %s (%s)", what, k, v)
	}
	c.want = now // each finding once
}

// run has a spec run to its end, with one outcome for all its trials.
func (c *computer) run(t *testing.T, spec string, want trial.Outcome) {
	t.Helper()
	text := c.start(t, spec).wait(t)
	var trials []results.Record
	if err := json.Unmarshal([]byte(text), &trials); err != nil || len(trials) == 0 {
		t.Fatalf("%s recorded %d trials, %v: %s", spec, len(trials), err, text)
	}
	for _, r := range trials {
		if r.Verdict.Outcome != want {
			t.Errorf("%s: %s: %s: %s", spec, r.Trial, r.Verdict.Outcome, r.Verdict.Error)
		}
	}
}

func (c *computer) start(t *testing.T, spec string) *program {
	t.Helper()
	here, err := filepath.Abs("testdata/belongings/" + spec + "-" + string(c.rt) + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	c.runs++
	results := fmt.Sprint("/tmp/results-", c.runs)
	p := c.command(t, c.Self(), runnerCommand, here, results, "", string(machine.Host))
	p.results = filepath.Join(c.Root(), results)
	return p
}

// stop sends a run a signal at a point of its first trial. A second run is
// refused meanwhile, and told who holds the engine.
func (c *computer) stop(t *testing.T, at string, s os.Signal) {
	t.Helper()
	p := c.start(t, "good")
	dir := awaitLog(t, p.results, "t001", at)
	second := c.start(t, "failed")
	if err := second.Wait(); err == nil || !strings.Contains(second.said.String(), "another run uses this "+string(c.rt)+" engine: root@") {
		t.Errorf("a second run on the engine: %v: %s", err, second.said)
	}
	if _, err := os.Stat(second.results); err == nil {
		t.Errorf("a second run on the engine has begun to record")
	}
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err == nil {
		t.Errorf("a run that %s stops exits 0", s)
	}
	if _, trials := readTrials(t, dir); len(trials) != 1 || trials[0].Verdict.Outcome != trial.Cancelled {
		t.Errorf("after %s: %d trials, want one that was cancelled", s, len(trials))
	}
}

// kill kills a run at a point of its first trial, and waits until the processes
// that it has left have ended.
func (c *computer) kill(t *testing.T, at string) {
	t.Helper()
	p := c.start(t, "good")
	awaitLog(t, p.results, "t001", at)
	p.Process.Kill()
	p.Wait()
	for range 600 {
		if !workersLeft(t) {
			time.Sleep(time.Second) // the engine may be about to end what it was doing
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("a minute after its runner was killed, a worker is still there")
}

// workersLeft is true while a worker of this very program runs.
func workersLeft(t *testing.T) bool {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	programs, _ := filepath.Glob("/proc/[0-9]*/exe")
	return slices.ContainsFunc(programs, func(p string) bool {
		ours, err := os.Stat(self)
		is, failed := os.Stat(p)
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(p), "cmdline"))
		return err == nil && failed == nil && os.SameFile(ours, is) && strings.HasSuffix(string(line), "\x00"+WorkerCommand+"\x00")
	})
}

// program is a program that runs on a computer.
type program struct {
	*exec.Cmd
	out     *bytes.Buffer
	said    *bytes.Buffer
	results string
}

func (c *computer) command(t *testing.T, argv ...string) *program {
	t.Helper()
	if argv[0] == cleanerCommand {
		argv = append([]string{c.Self()}, argv...)
	}
	p := &program{Cmd: exec.Command(argv[0], argv[1:]...), out: &bytes.Buffer{}, said: &bytes.Buffer{}}
	// A runner's standard input tells it to stop when it closes.
	stdin, keepOpen, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); keepOpen.Close() })
	p.Stdin, p.Stdout, p.Stderr, p.Env = stdin, p.out, p.said, c.env
	p.WaitDelay = 5 * time.Second
	if err := c.Start(p.Cmd); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *program) wait(t *testing.T) string {
	t.Helper()
	if err := p.Wait(); err != nil {
		t.Errorf("%s: %v: %s%s", strings.Join(p.Args, " "), err, p.out, p.said)
	}
	return strings.TrimSpace(p.out.String())
}
