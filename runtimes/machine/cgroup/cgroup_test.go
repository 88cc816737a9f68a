package cgroup

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

func TestFindOnAHybridHost(t *testing.T) {
	got, err := Find("testdata/hybrid/proc")
	if err != nil {
		t.Fatal(err)
	}
	want := &Tree{
		V1: []Hierarchy{
			{"cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct"},
			{"memory", "/sys/fs/cgroup/memory"},
			{"name=systemd", "/sys/fs/cgroup/systemd"},
		},
		Unified: "/sys/fs/cgroup/unified",
	}
	if !reflect.DeepEqual(got, want) || got.Version() != 1 {
		t.Errorf("got %+v of version %d", got, got.Version())
	}
}

func TestFindOnVersion2Alone(t *testing.T) {
	got, err := Find("testdata/pure/proc")
	if err != nil {
		t.Fatal(err)
	}
	if got.Version() != 2 || got.Unified != "/sys/fs/cgroup" {
		t.Errorf("got %+v of version %d", got, got.Version())
	}
}

// The same contents must give the same sample in both versions. Only version 2 has a peak.
func TestSampleReadsBothVersionsAlike(t *testing.T) {
	want := trial.Sample{
		CPU: trial.Seconds(12500 * time.Millisecond), Memory: 3 << 30, MemoryAnon: 1 << 30,
		Read: 1000, Written: 2000, OOMKills: 3,
		Pressure: trial.Pressure{Known: true, CPUSome: 1.5, MemorySome: 80.25, MemoryFull: 72, IOSome: 3, IOFull: 2,
			MemorySomeTotal: trial.Seconds(469001136 * time.Microsecond), MemoryFullTotal: trial.Seconds(time.Microsecond)},
	}
	trees := map[string]*Tree{
		"version 1": {Unified: "testdata/unified", V1: []Hierarchy{
			{"memory", "testdata/v1/memory"}, {"cpu,cpuacct", "testdata/v1/cpuacct"}, {"blkio", "testdata/v1/blkio"}}},
		"version 2": {Unified: "testdata/v2"},
	}
	for name, tree := range trees {
		got, err := tree.Open("m").Sample()
		want.MemoryPeak = map[string]trial.Bytes{"version 2": 4 << 30}[name]
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func TestSampleOfAGroupThatIsGoneIsAnError(t *testing.T) {
	if _, err := (&Tree{Unified: "testdata/v2"}).Open("gone").Sample(); err == nil {
		t.Error("no error")
	}
}

func TestKillsOfRemovedContainersStillCount(t *testing.T) {
	dir := t.TempDir()
	inner := filepath.Join(dir, "container")
	for _, d := range []string{dir, inner} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := write2(d, "memory.oom_control", "oom_kill 2\n"); err != nil {
			t.Fatal(err)
		}
	}
	var l lostKills
	if n := l.count(dir); n != 4 {
		t.Errorf("with the container: %d, want 4", n)
	}
	if err := os.RemoveAll(inner); err != nil {
		t.Fatal(err)
	}
	if n := l.count(dir); n != 4 {
		t.Errorf("without it: %d, want 4", n)
	}
}

func write2(dir, name, value string) error {
	return os.WriteFile(filepath.Join(dir, name), []byte(value), 0o644)
}
