package run

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
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

// TestNamesThatTheLedgerLacks finds names on the engine that the ledger does not list.
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
	if err := errors.Join(l.close(), l.close()); err != nil { // as the end of the process does, or a settlement that failed
		t.Error(err)
	}
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
	if found := again.unreadable("here", ""); len(found) != 3 || found[0].Run != "" || found[0].Stays == "" {
		t.Errorf("with names that say nothing: %+v", found)
	}
	if err := again.killed[0].settled(); err != nil {
		t.Error(err)
	}
	if again, err := readLedgers(dir); err != nil || len(again.killed) != 0 {
		t.Errorf("%d ledgers are left, %v", len(again.killed), err)
	}
}

// TestUnfinishedAndDamagedLedgers lists the ledgers of trials that were killed before they
// had made anything, and those that say nothing but their names.
func TestUnfinishedAndDamagedLedgers(t *testing.T) {
	cache := t.TempDir()
	dir := ledgers(cache, "AB:CD")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const mark = "20260101-000000-abcdef"
	write := func(name string, age time.Duration) (path string) {
		path = filepath.Join(dir, name)
		at := time.Now().Add(-age)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write(mark+"-t001-1.jsonl.new", 0)
	old := write(mark+"-t002-2.jsonl.new", time.Hour)
	lives, err := host.TryLock(write(mark+"-t003-3.jsonl.new", time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	defer lives.Close()
	for _, remove := range []bool{false, true} {
		if got := neverBegun(cache, remove); !slices.Equal(got, []string{old}) {
			t.Errorf("never begun are %q, want %q", got, old)
		}
	}
	if got := neverBegun(cache, true); len(got) != 0 {
		t.Errorf("%q is left", got)
	}
	write(mark+"-t004-4.jsonl.damaged", time.Hour)
	write(mark+"-t005-5.jsonl", time.Hour)
	write(mark+"-t005-5.jsonl.mine", time.Hour)
	owed, err := readLedgers(dir)
	if found := owed.unreadable("here", ""); err != nil || len(owed.killed) != 0 || len(found) != 2 || found[0].Run != mark || found[1].Run != mark || found[0].Stays != "" {
		t.Errorf("damaged are %+v, %v", found, err)
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
	own, others := d.guests(c)
	if got, want := namesOf(own)+"; "+namesOf(others), "registry; kind-registry kind-control-plane"; got != want {
		t.Errorf("of the trial and of others are %q, want %q", got, want)
	}
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

func TestFoldersOfPodmansBuilds(t *testing.T) {
	temp := t.TempDir()
	for name, age := range map[string]time.Duration{"libpod_builder1": 0, "libpod_builder2": 100 * 24 * time.Hour, "other": 0} {
		path := filepath.Join(temp, name)
		at := time.Now().Add(-age)
		if err := errors.Join(os.Mkdir(path, 0o700), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	d := debt{Runtime: trial.Podman, Address: "unix:///run/podman/podman.sock", Mark: time.Now().UTC().Add(-time.Hour).Format("20060102-150405") + "-abcdef"}
	if got := d.buildFolders(temp); len(got) != 1 || filepath.Base(got[0]) != "libpod_builder1" {
		t.Errorf("got %q", got)
	}
	docker, far := d, d
	docker.Runtime, far.Address = trial.Docker, "ssh://elsewhere"
	if got := append(docker.buildFolders(temp), far.buildFolders(temp)...); len(got) > 0 {
		t.Errorf("of other engines: %q", got)
	}
}

func namesOf(objects []runtimes.Object) string {
	var names []string
	for _, o := range objects {
		names = append(names, o.Name)
	}
	return strings.Join(names, " ")
}

// TestWhatIsNotWrittenDownStays settles debts that do not list which containers were there
// before the trial: ledgers of older versions, and names alone. A container without the
// trial's name is only disconnected.
func TestWhatIsNotWrittenDownStays(t *testing.T) {
	const mark = "20260101-000000-abcdef"
	mine := clusterName(mark, "t001")
	node := func(name, cluster string, networks ...string) runtimes.Object {
		return runtimes.Object{ID: name, Name: name, Labels: map[string]string{clusterLabel: cluster}, Networks: networks}
	}
	c := runtimes.Contents{
		Networks: []runtimes.Object{{Name: mine}},
		Containers: []runtimes.Object{
			node(mine+"-control-plane", mine, mine), node("kind-control-plane", "kind", "kind", mine), {ID: "db", Name: "db", Networks: []string{mine}}, {ID: "web", Name: "web"},
		},
		Images: []runtimes.Image{{ID: "sha256:1", Names: []string{imageName(mark, "t001", "api"), "mine/api:1"}}},
	}
	var old debt
	if err := json.Unmarshal([]byte(`{"mark":"`+mark+`","trial":"t001","cluster":"`+mine+`"}`), &old); err != nil {
		t.Fatal(err)
	}
	named := debtsByName(debt{HadContainers: []string{"kind-control-plane", mine + "-control-plane"}}, c, []string{mark})
	if len(named) != 1 || len(debtsByName(debt{}, c, []string{"20260101-000000-ffffff"})) != 0 {
		t.Fatalf("debts by name: %+v", named)
	}
	if d := named[0]; d.Trial != "t001" || !slices.Equal(d.Names, []string{imageName(mark, "t001", "api")}) {
		t.Errorf("the debt by name is %+v", d)
	}
	for _, d := range []debt{old, named[0]} {
		text, err := json.Marshal(d) // as a worker and a ledger get it
		if err == nil {
			d = debt{}
			err = json.Unmarshal(text, &d)
		}
		own, others := d.guests(c)
		if got := d.clusters(c); err != nil || !slices.Equal(got, []string{mine}) || len(own) != 0 || namesOf(others) != "kind-control-plane db" {
			t.Errorf("clusters %q and containers %q go, %q are disconnected, %v", got, namesOf(own), namesOf(others), err)
		}
	}
	empty, err := json.Marshal(debt{Mark: mark, Cluster: mine, HadContainers: []string{}})
	var none debt
	if err := errors.Join(err, json.Unmarshal(empty, &none)); err != nil {
		t.Fatal(err)
	}
	if own, _ := none.guests(c); namesOf(own) != "db" || !slices.Equal(none.clusters(c), []string{"kind", mine}) {
		t.Errorf("on an engine without containers before, %q and %q are not taken for the trial's", namesOf(own), none.clusters(c))
	}
	grown := debt{Cluster: mine, HadContainers: []string{"kind-control-plane"}}
	c.Containers = append(c.Containers, node("kind-worker", "kind", mine))
	if own, others := grown.guests(c); slices.Contains(grown.clusters(c), "kind") || namesOf(own) != "db kind-worker" || namesOf(others) != "kind-control-plane" {
		t.Errorf("of a user's cluster with a new node, %q go and %q are disconnected", namesOf(own), namesOf(others))
	}
}

// TestContainersThatGoByThemselves removes containers from engines of which one has removed
// it already, as with --rm.
func TestContainersThatGoByThemselves(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.String())
		switch {
		case strings.Contains(r.URL.Path, "gone"):
			http.Error(w, "no such container", http.StatusNotFound)
		case strings.Contains(r.URL.Path, "stuck"):
			http.Error(w, "device busy", http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	for _, c := range []struct {
		engine    trial.Runtime
		id, asked string
		fails     bool
	}{
		{trial.Docker, "a", "DELETE /containers/a?force=true&v=true", false},
		{trial.Podman, "a", "POST /containers/a/kill DELETE /containers/a?force=true&v=true", false},
		{trial.Podman, "gone", "POST /containers/gone/kill DELETE /containers/gone?force=true&v=true", false},
		{trial.Docker, "stuck", "DELETE /containers/stuck?force=true&v=true", true},
	} {
		asked = nil
		err := removeContainer(t.Context(), runtimes.Endpoint{Runtime: c.engine, Address: "tcp://" + server.Listener.Addr().String()}, c.id)
		if got := strings.Join(asked, " "); got != c.asked || (err != nil) != c.fails {
			t.Errorf("%s, %s: asked %q, %v", c.engine, c.id, got, err)
		}
	}
}
