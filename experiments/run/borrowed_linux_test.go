package run

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// fakePodman plays a Podman service with networks and volumes alone.
type fakePodman struct {
	sync.Mutex
	networks []string
	// volumes have labels.
	volumes map[string]map[string]string
	// nodes are the containers, as Docker's API lists them.
	nodes json.RawMessage
	// stuck has it remove no network.
	stuck bool
}

func (f *fakePodman) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.Lock()
	defer f.Unlock()
	_, path, _ := strings.Cut(r.URL.Path, "/libpod/")
	kind, name, _ := strings.Cut(path, "/")
	volumes := []runtimes.Object{}
	for name, labels := range f.volumes {
		volumes = append(volumes, runtimes.Object{Name: name, Labels: labels})
	}
	var answer any = []int{}
	switch {
	case strings.HasSuffix(r.URL.Path, "/_ping"):
		w.Header().Set("Libpod-API-Version", "5.4.2")
	case r.URL.Path == "/volumes": // Docker's API
		answer = map[string]any{"Volumes": volumes}
	case path == "" && strings.HasSuffix(r.URL.Path, "/containers/json"):
		answer = f.nodes
	case path == "info":
		answer = map[string]any{"host": map[string]any{"hostname": "h"}, "store": map[string]any{}}
	case path == "volumes/create":
		var asked runtimes.Object
		if json.NewDecoder(r.Body).Decode(&asked); f.volumes[asked.Name] == nil {
			f.volumes[asked.Name] = asked.Labels
		}
		w.WriteHeader(http.StatusCreated)
		answer = volumes
	case path == "volumes/json":
		answer = volumes
	case kind == "volumes" && r.Method == http.MethodDelete:
		delete(f.volumes, name)
		w.WriteHeader(http.StatusNoContent)
	case kind == "volumes":
		answer = map[string]any{"Labels": f.volumes[strings.TrimSuffix(name, "/json")]}
	case path == "networks/json":
		all := []runtimes.Object{}
		for _, name := range f.networks {
			all = append(all, runtimes.Object{Name: name})
		}
		answer = all
	case kind == "networks" && f.stuck:
		w.WriteHeader(http.StatusInternalServerError)
		answer = map[string]any{"message": "it is stuck", "response": 500}
	case kind == "networks":
		f.networks = slices.DeleteFunc(f.networks, func(n string) bool { return n == name })
	}
	json.NewEncoder(w).Encode(answer)
}

// usersPodman is a place on a fake Podman, whose command finds nothing.
func usersPodman(t *testing.T, f *fakePodman) *borrowedPlace {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "podman"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: f}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	f.volumes = map[string]map[string]string{}
	return &borrowedPlace{of: machine.Host, engine: runtimes.Endpoint{Runtime: trial.Podman, Address: "unix://" + filepath.Join(dir, "s")}, cache: t.TempDir(), report: func(Update) {}}
}

// TestTheNextTrialSettlesFirst has an engine that does not remove what a trial made: no
// trial begins on it until it does.
func TestTheNextTrialSettlesFirst(t *testing.T) {
	defer func(before time.Duration) { secondLook = before }(secondLook)
	secondLook = 10 * time.Millisecond
	f := &fakePodman{}
	p := usersPodman(t, f)
	ctx, me := t.Context(), newHolder("20260101-000000-mine")
	if err := p.claim(ctx, me); err != nil {
		t.Fatal(err)
	}
	change := func(stuck bool, networks ...string) {
		f.Lock()
		defer f.Unlock()
		f.stuck, f.networks = stuck, append(f.networks, networks...)
	}
	m, err := p.start(ctx, spec.Settings{}, "", "t001", "")
	if err != nil {
		t.Fatal(err)
	}
	first := clusterName(me.Mark, "t001")
	change(true, "podman", first)
	if err := m.Close(ctx); err == nil || !strings.Contains(err.Error(), "it is stuck") {
		t.Errorf("what could not be removed is %v", err)
	}
	if _, err := p.start(ctx, spec.Settings{}, "", "t002", ""); err == nil || !strings.Contains(err.Error(), "what trial t001 left") {
		t.Errorf("a trial began beside what another left: %v", err)
	}
	change(false)
	if m, err = p.start(ctx, spec.Settings{}, "", "t002", ""); err != nil || !slices.Equal(f.networks, []string{"podman"}) {
		t.Fatalf("the next trial found the networks %q, %v", f.networks, err)
	}
	if err := m.Close(ctx); err != nil {
		t.Error(err)
	}
	left, err := filepath.Glob(filepath.Join(ledgers(p.cache, "*"), "*"))
	if closed := p.close(); err != nil || closed != nil || len(left) > 0 || len(f.volumes) > 0 {
		t.Errorf("it left the ledgers %q and the volumes %v: %v, %v", left, f.volumes, err, closed)
	}
}

// TestVolumesOfANodeThatAUserRemoves settles a trial whose node is gone and whose node's
// volume is still there. A volume with a name is not the node's own.
func TestVolumesOfANodeThatAUserRemoves(t *testing.T) {
	own, named := strings.Repeat("0a", 32), "cache"
	f := &fakePodman{nodes: json.RawMessage(`[{"Id": "1", "State": "running", "Mounts": [{"Name": "` + own + `"}, {"Name": "` + named + `"}, {"Source": "/lib/modules"}]}]`)}
	p := usersPodman(t, f)
	if err := p.claim(t.Context(), newHolder("20260101-000000-mine")); err != nil {
		t.Fatal(err)
	}
	m, err := p.start(t.Context(), spec.Settings{}, "", "t001", "")
	if err != nil {
		t.Fatal(err)
	}
	log, err := openTrialLog(filepath.Join(t.TempDir(), "log.txt"), nil)
	if err != nil {
		t.Fatal(err)
	}
	l := m.(*borrowed).ledger
	x := &execution{resolved: resolved{spec: &spec.Spec{}}, clock: pipeline.NewClock(0), log: log, ledger: l}
	x.startWatch(m, pipeline.Config{ClusterName: l.debt.Cluster})
	x.watch.PhaseEnded(trial.PhaseCluster, true)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if text, err := os.ReadFile(l.path()); err != nil || strings.Contains(string(text), `{"volumes":["`+own+`"]}`) {
			break // as a killed run leaves it
		}
	}
	x.watch.Stop()
	f.Lock()
	f.volumes[own], f.volumes[named] = map[string]string{}, map[string]string{}
	f.Unlock()
	if err := m.Close(t.Context()); err != nil || f.volumes[own] != nil || f.volumes[named] == nil {
		t.Errorf("left are the volumes %v, %v", f.volumes, err)
	}
}

// TestTheHolderIsKnownBeforeARun looks at an engine that nobody uses, that another run
// uses, and that a killed run held.
func TestTheHolderIsKnownBeforeARun(t *testing.T) {
	f := &fakePodman{}
	p := usersPodman(t, f)
	live, killed := newHolder("live"), newHolder("killed")
	killed.PID = 1 << 30
	for _, c := range []struct {
		volumes map[string]map[string]string
		inUse   string
		owes    bool
	}{
		{map[string]map[string]string{"mine": {}}, "", false},
		{map[string]map[string]string{lockVolume: live.labels()}, "another run uses this podman engine: " + live.String() + "; wait for it to end", false},
		{map[string]map[string]string{lockVolume: killed.labels()}, "", true},
	} {
		f.Lock()
		f.volumes = c.volumes
		f.Unlock()
		if s := p.site(t.Context(), spec.Settings{}); s.owes != c.owes || !strings.HasPrefix(s.inUse, c.inUse) || (s.inUse == "") != (c.inUse == "") {
			t.Errorf("with %v it is in use: %q, and a killed run left something: %t", c.volumes, s.inUse, s.owes)
		}
	}
}
