package run

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/runtimes"
)

// TestHolders judges holders of a lock from this process: only a process of this
// host that has ended is dead.
func TestHolders(t *testing.T) {
	me, other := newHolder("20260102-030405-mine"), newHolder("20260102-030405-mine")
	if !strings.HasPrefix(me.Mark, "20260102-030405-") || me.Mark == other.Mark {
		t.Errorf("the marks are %q and %q", me.Mark, other.Mark)
	}
	for _, name := range []string{clusterName(me.Mark, "t001"), imageName(me.Mark, "t001", "Red")} {
		if mark, id := trialOf(name); mark != me.Mark || id != "t001" {
			t.Errorf("%s is of %q and %q", name, mark, id)
		}
	}
	for _, mine := range []string{"stratbench-trial", "stratbench-mine-t001", "kind", "stratbench.local/trial/mine:latest", "x-" + clusterName(me.Mark, "t001")} {
		if mark, _ := trialOf(mine); mark != "" {
			t.Errorf("%s is taken for a trial's", mine)
		}
	}
	if node := clusterName(me.Mark, "t9999") + "-external-load-balancer"; len(node) > 63 {
		t.Errorf("%s is no name of a host: it has %d characters", node, len(node))
	}
	for name, c := range map[string]struct {
		change func(*holder)
		dead   bool
	}{
		"this process":             {func(*holder) {}, false},
		"another process":          {func(h *holder) { h.PID = os.Getppid(); h.Process, _ = host.Began(h.PID) }, false},
		"a process that has ended": {func(h *holder) { h.PID = 1 << 30 }, true},
		"a number used again":      {func(h *holder) { h.Process = "1" }, true},
		"another host":             {func(h *holder) { h.Host, h.PID = "elsewhere", 1<<30 }, false},
		"another container":        {func(h *holder) { h.Namespace, h.PID = "pid:[1]", 1<<30 }, false},
		"nobody known":             {func(h *holder) { *h = holder{} }, false},
	} {
		h := me
		c.change(&h)
		read := holderOf(h.labels())
		if read.dead(me) != c.dead || read.Mark != h.Mark || !read.Since.Equal(h.Since) {
			t.Errorf("%s: dead is %t; read as %+v", name, read.dead(me), read)
		}
	}
}

// TestHoldersOfAnotherBoot judges holders that began before another start of a host of the
// same name: in containers, several may have one, and copies of a host also have its ID.
func TestHoldersOfAnotherBoot(t *testing.T) {
	before := host.Booted().Add(-time.Hour)
	for name, c := range map[string]struct {
		machine string
		since   time.Time
		dead    bool
	}{
		"of this host":              {"id", before, true},
		"of a copy":                 {"id", before.Add(2 * time.Hour), false},
		"of hosts that have no IDs": {"", before, false},
	} {
		me := holder{Host: "runner", Machine: c.machine, Boot: "this", PID: 1 << 30}
		if h := (holder{Host: "runner", Machine: c.machine, Boot: "another", PID: 1 << 30, Since: c.since}); h.dead(me) != c.dead {
			t.Errorf("a holder %s is dead: %t", name, !c.dead)
		}
	}
}

// TestNamesThatTheLedgerLacks finds them on the engine.
func TestNamesThatTheLedgerLacks(t *testing.T) {
	mark := "20260101-000000-abcdef"
	red, blue := imageName(mark, "t001", "red"), imageName(mark, "t001", "blue")
	c := runtimes.Contents{Images: []runtimes.Image{
		{Names: []string{red, "mine/red:1", strings.TrimSuffix(red, ":latest") + "@sha256:00"}}, {Names: []string{imageName(mark, "t002", "red")}}, {},
	}}
	if got := (debt{Mark: mark, Trial: "t001", Names: []string{blue}}).namesOn(c); !slices.Equal(got, []string{blue, red}) {
		t.Errorf("got %q", got)
	}
	if got := (debt{}).namesOn(c); len(got) != 0 {
		t.Errorf("a debt of nobody names %q", got)
	}
}

// TestLedgersSurviveAKill reads a ledger whose last line was cut off.
func TestLedgersSurviveAKill(t *testing.T) {
	dir := ledgers(t.TempDir(), "AB:CD")
	l, err := openLedger(dir, debt{Mark: "m", Trial: "t001", Cluster: "c"})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []debt{{Names: []string{"a", "b"}, Builds: []string{"x"}}, {Made: []runtimes.ImageID{"5d41"}}} {
		if err := l.add(part); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.file.WriteString(`{"made":["7f8`); err != nil {
		t.Fatal(err)
	}
	if again, err := readLedgers(dir); err != nil || len(again.live) != 1 || again.live[0].Trial != "t001" || len(again.killed) != 0 {
		t.Errorf("of a run that lives: %+v, %v", again, err)
	}
	l.close() // as the end of the process does
	for name, text := range map[string]string{"m-t002-1.jsonl": "", "m-t003-1.jsonl": `{"runtime":"docker","mark":"m"`, "m-t004-1.jsonl": "\x00\x00"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	again, err := readLedgers(dir)
	if err != nil || len(again.killed) != 1 || len(again.damaged) != 3 {
		t.Fatalf("%d ledgers, %q are damaged, %v", len(again.killed), again.damaged, err)
	}
	d := again.killed[0].debt
	if d.Cluster != "c" || len(d.Names) != 2 || len(d.Builds) != 1 || len(d.Made) != 1 || d.Made[0] != "5d41" {
		t.Errorf("read %+v", d)
	}
	if err := again.killed[0].settled(); err != nil {
		t.Error(err)
	}
	if again, err := readLedgers(dir); err != nil || len(again.killed) != 0 {
		t.Errorf("%d ledgers are left, %v", len(again.killed), err)
	}
}

func TestClustersOfASetUpCommand(t *testing.T) {
	node := func(name, cluster string, networks ...string) runtimes.Object {
		return runtimes.Object{Name: name, Labels: map[string]string{clusterLabel: cluster}, Networks: networks}
	}
	mine := clusterName("20260101-000000-abcdef", "t001")
	c := runtimes.Contents{Containers: []runtimes.Object{
		node("a", mine, "other"), node("b", mine+"-second", "kind"), node("c1", "e2e", mine), node("c2", "e2e", mine), // named as they like, in the trial's network
		node("d", "users", "kind"), {ID: "mine", Name: "kind-registry", Networks: []string{"bridge", mine}}, {ID: "my-node", Name: "kind-control-plane", Labels: map[string]string{clusterLabel: "kind"}, Networks: []string{"kind", mine}}, node("e", mine+"1", "kind"), {Name: "registry", Networks: []string{"bridge", mine}}, {Name: "db", Networks: []string{"bridge"}},
	}}
	d := debt{Cluster: mine, HadContainers: []string{"mine", "my-node"}}
	if got, want := d.clusters(c), []string{"e2e", mine, mine + "-second"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !d.in(c) || (debt{Mark: "m", Cluster: "x"}).in(c) || (debt{}).connected(c.Containers[6]) {
		t.Error("what is the trial's is not told from what is not")
	}
	unsaid := debt{Cluster: mine} // by the ledger of an earlier version: they may be the user's
	if !unsaid.had(c.Containers[8]) || unsaid.connected(c.Containers[8]) || !slices.Equal(unsaid.clusters(c), []string{mine, mine + "-second"}) {
		t.Error("containers of which it is not known whether they were there are taken for the trial's")
	}
	if _, got := trialOf(mine + "-second"); got != "t001" {
		t.Errorf("the trial of a second cluster is %q", got)
	}
	if _, got := trialOf(mine + "1"); got != "t0011" {
		t.Errorf("the trial of another trial's cluster is %q", got)
	}
}
