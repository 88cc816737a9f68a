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

	"github.com/stratbench/stratbench/experiments/spec"
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
// STRATBENCH_BELONGINGS (make belongings) has every engine see every ending;
// without it, each of two engines sees the one that shows most in a short time.
func TestBelongings(t *testing.T) {
	needMachines(t)
	start := computers(t)
	all := os.Getenv("STRATBENCH_BELONGINGS") != ""
	for _, of := range []struct {
		name       string
		runtime    trial.Runtime
		containerd bool
		short      string
	}{
		{"podman", trial.Podman, false, "killed and cleaned up"},
		{"docker", trial.Docker, false, "good, beside a user who works"},
		{"docker with images in containerd", trial.Docker, true, ""},
	} {
		if !all && of.short == "" {
			continue
		}
		t.Run(of.name, func(t *testing.T) {
			another := func(t *testing.T) *computer {
				c := start(t, of.runtime)
				if of.containerd {
					c.useContainerd(t)
				}
				c.settleIn(t)
				return c
			}
			c := another(t)
			for _, e := range endings {
				if all || e.name == of.short {
					t.Run(e.name, func(t *testing.T) { c.ends(t, func() { e.happens(t, c, another) }) })
				}
			}
		})
	}
}

// TestCacheMountsStay runs trials on a user's Docker whose builds use a cache mount with
// the ID of the user's, with the cache and without.
func TestCacheMountsStay(t *testing.T) {
	needMachines(t)
	c := computers(t)(t, trial.Docker)
	c.settleIn(t)
	build := func(do string) error {
		b := runtimes.Build{Context: "testdata/mounts", Args: map[string]string{"DO": do}}
		_, err := c.engine.Build(t.Context(), b, func(runtimes.Progress) {})
		return err
	}
	if err := build("echo mine >/cache/mine"); err != nil {
		t.Fatal(err)
	}
	c.want = c.belongings(t)
	c.ends(t, func() {
		c.startSpec(t, c.writeSpec(t, "testdata/mounts/workload.yaml", `
factors: {build.noCache: [true, false]}
settings: {runtime: docker, strategy: serial, clusterStart: after, nodeImage: "mine/passing:1"}
design: {replicates: 1, warmUp: 0, reference: false, seed: 1}
`)).records(t, trial.ClusterCreateFailed)
	})
	if err := build("cat /cache/mine"); err != nil {
		t.Errorf("the user's cache mount has lost what was in it: %v", err)
	}
}

// endings are the ways in which runs end.
var endings = []struct {
	name    string
	happens func(t *testing.T, c *computer, another func(*testing.T) *computer)
}{
	{"good, beside a user who works", func(t *testing.T, c *computer, _ func(*testing.T) *computer) {
		p := c.start(t, "good")
		dir := p.awaits(t, "> Starting control-plane")
		c.work(t)
		if log, err := os.ReadFile(filepath.Join(dir, "trials", "t001", "log.txt")); err != nil || strings.Contains(string(log), "> teardown") {
			t.Errorf("the trial was over before the user had done: %v", err)
		}
		p.records(t, trial.OK)
	}},
	{"good, with a container made from its image", func(t *testing.T, c *computer, _ func(*testing.T) *computer) {
		p := c.start(t, "good")
		p.awaits(t, "> load")
		client := string(c.rt)
		for names := range maps.Values(c.belongings(t).without(c.want)) {
			if i := strings.Index(names, imagePrefix); i >= 0 {
				c.command(t, client, "create", "--name", "of-its-image", strings.Fields(names[i:])[0], "/x").wait(t)
				break
			}
		}
		p.records(t, trial.OK)
		c.command(t, client, "rm", "of-its-image").wait(t)
		c.command(t, cleanerCommand).wait(t)
	}},
	{"failed", func(t *testing.T, c *computer, _ func(*testing.T) *computer) {
		c.start(t, "failed").records(t, trial.ClusterCreateFailed)
	}},
	{"stopped by Ctrl-C", func(t *testing.T, c *computer, _ func(*testing.T) *computer) {
		c.stop(t, "> Starting control-plane", os.Interrupt)
	}},
	{"left by its terminal", func(t *testing.T, c *computer, _ func(*testing.T) *computer) { c.stop(t, "> build", syscall.SIGHUP) }},
	{"killed, and another follows", func(t *testing.T, c *computer, _ func(*testing.T) *computer) {
		c.kill(t, "> load")
		c.work(t)
		c.start(t, "failed").records(t, trial.ClusterCreateFailed)
	}},
	{"killed and cleaned up", func(t *testing.T, c *computer, _ func(*testing.T) *computer) {
		c.kill(t, "> Starting control-plane")
		c.work(t)
		c.command(t, cleanerCommand).wait(t)
	}},
	{"killed, and cleaned up at once", func(t *testing.T, c *computer, _ func(*testing.T) *computer) {
		p := c.start(t, "good")
		p.awaits(t, "> Preparing nodes")
		p.Process.Kill()
		p.Wait()
		c.command(t, cleanerCommand).wait(t)
		time.Sleep(5 * time.Second) // for what the engine might still be making
	}},
	{"killed, another on another engine, and cleaned up", func(t *testing.T, c *computer, another func(*testing.T) *computer) {
		c.kill(t, "> build")
		c.work(t)
		other := another(t)
		other.takeCache(t, c)
		other.ends(t, func() { other.start(t, "failed").records(t, trial.ClusterCreateFailed) })
		p := c.command(t, cleanerCommand)
		p.wait(t)
		if c.rt == trial.Podman {
			c.excuseUnreported(t, p)
		}
	}},
}

// TestLockAfterARestart has a run find who holds an engine that was restarted.
func TestLockAfterARestart(t *testing.T) {
	needMachines(t)
	c := computers(t)(t, trial.Docker)
	me := newHolder("20260102-030405-mine")
	if _, err := c.engine.Claim(t.Context(), lockVolume, me.labels()); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.startEngine(t)
	labels, err := c.engine.Claim(t.Context(), lockVolume, newHolder("20260102-030405-other").labels())
	if by := holderOf(labels); err != nil || by.Mark != me.Mark {
		t.Errorf("the engine is held by %q, %v; want %q", by.Mark, err, me.Mark)
	}
}

// computer is a user's computer with an engine that runs already.
type computer struct {
	*isolated.Machine
	rt     trial.Runtime
	engine runtimes.Engine
	// env makes programs on the computer use the engine.
	env []string
	// want is what is on the computer and belongs to the user.
	want  belongings
	works int
	runs  int
}

// computers returns a function that starts a user's computer.
func computers(t *testing.T) (start func(*testing.T, trial.Runtime) *computer) {
	t.Helper()
	here, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	faults := filepath.Join(here, "../../faults")
	cache, err := CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	p := &isolatedPlace{cache: cache, binds: []string{here, faults}, report: func(u Update) { t.Log(u.Note) }}
	var all []spec.Settings
	for _, rt := range trial.Runtimes() {
		all = append(all, spec.Settings{Runtime: rt})
	}
	if err := p.prepare(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.close() })
	return func(t *testing.T, rt trial.Runtime) *computer {
		t.Helper()
		m, err := p.start(t.Context(), spec.Settings{Runtime: rt}, "", "t", t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := m.Close(ctx); err != nil {
				t.Error(err)
			}
		})
		c := &computer{Machine: m.(*isolated.Machine), rt: rt, engine: engineAt(t, m.WatchEndpoint())}
		c.env = append(m.Endpoint().Environ([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}),
			"PODMAN_IGNORE_CGROUPSV1_WARNING=1")
		c.command(t, "mkdir", "-p", "/root/.kube", "/root/.docker/contexts", "/root/.config").wait(t)
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

// useContainerd has the computer's Docker keep images in containerd from now on.
func (c *computer) useContainerd(t *testing.T) {
	t.Helper()
	const kept = "/var/tmp/node.tar"
	c.command(t, "docker", "save", "--output", kept, nodeImage).wait(t)
	path := filepath.Join(c.Root(), "etc/docker/daemon.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	config := map[string]any{}
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	delete(config, "storage-driver")
	config["features"] = map[string]bool{"containerd-snapshotter": true}
	if text, err = json.Marshal(config); err == nil {
		err = os.WriteFile(path, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.startEngine(t)
	c.command(t, "docker", "load", "--input", kept).wait(t)
	c.command(t, "rm", kept).wait(t)
	info, err := c.engine.Info(t.Context())
	if err != nil || info.StorageDriver != "overlayfs" {
		t.Fatalf("Docker keeps its images by %s, %v", info.StorageDriver, err)
	}
}

// nodeImage is the lab's node image, as specs of users of this computer name it.
const nodeImage = "stratbench.local/node:v1.34.3"

// startEngine starts an engine in the place of the one that was stopped.
func (c *computer) startEngine(t *testing.T) {
	t.Helper()
	argv := []string{"dockerd", "--host=unix:///run/docker.sock"}
	if c.rt == trial.Podman {
		argv = []string{"podman", "system", "service", "--time=0", "unix:///run/podman/podman.sock"}
	}
	c.startEngineAt(t, c.WatchEndpoint(), argv...)
}

func (c *computer) startEngineAt(t *testing.T, at runtimes.Endpoint, argv ...string) {
	t.Helper()
	p := c.command(t, argv...)
	for range 600 {
		if at.Ping(t.Context()) == nil {
			c.engine = engineAt(t, at)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s does not answer: %s", c.rt, p.said)
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
		// With images in containerd, Docker also makes a name of each repository and the
		// ID, and does not always list it. The name says nothing that the tag does not
		// say.
		names := slices.DeleteFunc(i.Names, func(n string) bool { return strings.HasSuffix(n, "@"+string(i.ID)) })
		slices.Sort(names)
		b["image "+string(i.ID)] = strings.Join(names, " ")
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

// without are the belongings that others lacks.
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
		{client, "create", "--name", "kind-control-plane", "--label", clusterLabel + "=kind", fullTag(c.rt, "mine/red:latest"), "/x"},
		{client, "create", "--name", "at-the-same-port", "--publish", "127.0.0.1:18091:80", fullTag(c.rt, "mine/red:latest"), "/x"},
		{client, "create", "--name", "of-another-host", "--label", clusterLabel + "=stratbench-20260101-000000-abcdef-t001", fullTag(c.rt, "mine/red:latest"), "/x"},
		{"/bin/sh", "-c", "echo mine >/root/.kube/config; echo '{}' >/root/.docker/config.json; echo mine >/root/.docker/contexts/mine"},
	} {
		c.command(t, argv...).wait(t)
	}
	c.want = c.belongings(t)
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

// work is what a user does while something of a trial is there, during the
// trial or after its run was killed: images are built under the workload's
// names and others, one is given a name of the user's, one and a container
// are removed, a volume is made, and containers are put into the trial's
// network. All of it is the user's from then on.
func (c *computer) work(t *testing.T) {
	t.Helper()
	before := c.belongings(t)
	trials := before.without(c.want)
	if len(trials) == 0 {
		t.Error("nothing of a trial is there: it is too late or too early to show anything")
	}
	c.works++
	client, day := string(c.rt), fmt.Sprint(c.works)
	c.build(t, "stratbench.local/red:test", "red of day "+day, true)
	c.build(t, "stratbench.local/green:test", "green", false)
	c.command(t, client, "volume", "create", "stratbench-mine-"+day).wait(t)
	c.command(t, client, "create", "--name", "of-day-"+day, fullTag(c.rt, "stratbench.local/red:test"), "/x").wait(t)
	if c.works > 1 {
		yesterday := fmt.Sprint(c.works - 1)
		c.command(t, client, "rm", "of-day-"+yesterday).wait(t)
		c.command(t, client, "rmi", fullTag(c.rt, "mine/of-a-trial:"+yesterday)).wait(t)
	}
	for thing := range trials {
		if network, is := strings.CutPrefix(thing, "network "); is {
			c.command(t, client, "network", "connect", network, "at-the-same-port").wait(t)
			c.command(t, client, "network", "connect", network, "kind-control-plane").wait(t)
		}
	}
	for image, names := range trials {
		if id, is := strings.CutPrefix(image, "image "); is && names != "" {
			c.command(t, client, "tag", id, fullTag(c.rt, "mine/of-a-trial:"+day)).wait(t)
			break
		}
	}
	after := c.belongings(t)
	c.want = after.without(trials)
	for image, names := range trials {
		given := slices.DeleteFunc(strings.Fields(after[image]), func(n string) bool { return slices.Contains(strings.Fields(names), n) })
		if len(given) > 0 {
			c.want[image] = strings.Join(given, " ")
		}
	}
}

// ends checks that what happens leaves the user's belongings as they are.
func (c *computer) ends(t *testing.T, happens func()) {
	t.Helper()
	happens()
	now := c.belongings(t)
	for k, v := range c.want {
		if is, there := now[k]; !there {
			t.Errorf("lost: %s (%s)", k, v)
		} else if is != v {
			t.Errorf("%s was %q and is %q", k, v, is)
		}
	}
	for k, v := range now.without(c.want) {
		t.Errorf("left behind: %s (%s)", k, v)
	}
	c.want = now // each finding once
}

func (c *computer) start(t *testing.T, spec string) *program {
	t.Helper()
	here, err := filepath.Abs("testdata/belongings/" + spec + "-" + string(c.rt) + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c.startSpec(t, here)
}

// writeSpec writes a spec on the computer.
func (c *computer) writeSpec(t *testing.T, workload, rest string) (path string) {
	t.Helper()
	workload, err := filepath.Abs(workload)
	if err != nil {
		t.Fatal(err)
	}
	path = fmt.Sprintf("/root/spec-%d.yaml", c.runs)
	c.write(t, path, "apiVersion: stratbench/v1\nname: borrowed\nworkload: "+workload+rest)
	return path
}

func (c *computer) startSpec(t *testing.T, path string) *program {
	t.Helper()
	c.runs++
	results := fmt.Sprint("/tmp/results-", c.runs)
	p := c.command(t, c.Self(), runnerCommand, path, results, "", string(machine.Host))
	p.results = filepath.Join(c.Root(), results)
	return p
}

// records waits for the end of a run, which records one outcome for all trials.
func (p *program) records(t *testing.T, want trial.Outcome) {
	t.Helper()
	text := p.wait(t)
	var trials []results.Record
	if err := json.Unmarshal([]byte(text), &trials); err != nil || len(trials) == 0 {
		t.Fatalf("%d trials are recorded, %v: %s", len(trials), err, text)
	}
	for _, r := range trials {
		if r.Verdict.Outcome != want || r.Machine.Kind != string(machine.Host) {
			logs, _ := filepath.Glob(filepath.Join(p.results, "*", r.Log))
			text, _ := os.ReadFile(strings.Join(logs, ""))
			t.Errorf("%s: %s on %s: %s\n%s", r.Trial, r.Verdict.Outcome, r.Machine.Kind, r.Verdict.Error, tail(string(text)))
		}
	}
}

// stop sends a run a signal at a point of its first trial. A second run is
// refused meanwhile, and told who holds the engine.
func (c *computer) stop(t *testing.T, at string, s os.Signal) {
	t.Helper()
	p := c.start(t, "good")
	dir := p.awaits(t, at)
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
	p.awaits(t, at)
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

// workersLeft is true while a worker of this program runs.
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
	ended   chan struct{}
	err     error
}

// Wait waits for its end.
func (p *program) Wait() error {
	<-p.ended
	return p.err
}

// awaits waits for a text in the log of the first trial of a run, and returns
// the run's folder.
func (p *program) awaits(t *testing.T, text string) (dir string) {
	t.Helper()
	for range 3000 {
		logs, _ := filepath.Glob(filepath.Join(p.results, "*", "trials", "t001", "log.txt"))
		for _, l := range logs {
			if b, err := os.ReadFile(l); err == nil && strings.Contains(string(b), text) {
				return filepath.Dir(filepath.Dir(filepath.Dir(l)))
			}
		}
		select {
		case <-p.ended:
			t.Fatalf("the run ended before its first trial said %q: %v: %s%s", text, p.err, p.out, p.said)
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatalf("the first trial never said %q", text)
	return ""
}

func (c *computer) command(t *testing.T, argv ...string) *program {
	t.Helper()
	if argv[0] == cleanerCommand {
		argv = append([]string{c.Self()}, argv...)
	}
	p := &program{Cmd: exec.Command(argv[0], argv[1:]...), out: &bytes.Buffer{}, said: &bytes.Buffer{}, ended: make(chan struct{})}
	// A runner's standard input tells it to stop when it closes.
	stdin, keepOpen, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Stdin, p.Stdout, p.Stderr, p.Env = stdin, p.out, p.said, c.env
	p.WaitDelay = 5 * time.Second
	if err := c.Start(p.Cmd); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.err = p.Cmd.Wait()
	}()
	t.Cleanup(func() {
		stdin.Close()
		keepOpen.Close()
		p.Process.Kill()
		p.Wait() // a machine does not end before its programs are waited for
	})
	return p
}

func (p *program) wait(t *testing.T) string {
	t.Helper()
	if err := p.Wait(); err != nil {
		t.Errorf("%s: %v: %s%s", strings.Join(p.Args, " "), err, p.out, p.said)
	}
	return strings.TrimSpace(p.out.String())
}
