package host

import (
	"errors"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

func TestSampleIsOfTheHostSinceTheStart(t *testing.T) {
	proc = "testdata/proc"
	t.Cleanup(func() { proc = "/proc" })
	m := &Machine{engine: runtimes.Endpoint{Address: "unix:///x"}, before: counters{read: 1000 << 10, kills: 1}}
	got, err := m.Sample()
	want := trial.Sample{
		CPU:    trial.Seconds(15300 * time.Millisecond),
		Memory: 3000 << 10, MemoryAnon: 2000 << 10,
		Read: 1000 << 10, Written: 3000 << 10, OOMKills: 3,
		Pressure: trial.Pressure{Known: true, CPUSome: 1.5, MemorySome: 1.5, MemoryFull: 0.5, IOSome: 1.5, IOFull: 0.5},
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestSampleOfAnEngineElsewhereIsUnsupported(t *testing.T) {
	m := &Machine{engine: runtimes.Endpoint{Address: "ssh://core@127.0.0.1:2222/run/podman/podman.sock"}}
	if _, err := m.Sample(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}
