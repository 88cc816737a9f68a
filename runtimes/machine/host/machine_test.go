package host

import (
	"errors"
	"testing"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

func TestSampleIsOfTheHostSinceTheStart(t *testing.T) {
	pressure := trial.Pressure{Known: true, CPUSome: 1.5, MemorySome: 1.5, MemoryFull: 0.5, IOSome: 1.5, IOFull: 0.5}
	before := host.Activity{Busy: 10, MemoryUsed: 1000, Read: 1000, OOMKills: 1}
	now := host.Activity{Busy: 25, MemoryUsed: 3000, MemoryAnon: 2000, Read: 2000, Written: 3000, OOMKills: 4, Pressure: pressure}
	want := trial.Sample{CPU: 15, Memory: 3000, MemoryAnon: 2000, Read: 1000, Written: 3000, OOMKills: 3, Pressure: pressure}
	if got := since(before, now); got != want {
		t.Errorf("got %+v; want %+v", got, want)
	}
}

func TestSampleOfAnEngineElsewhereIsUnsupported(t *testing.T) {
	m := &Machine{engine: runtimes.Endpoint{Address: "ssh://core@127.0.0.1:2222/run/podman/podman.sock"}}
	if _, err := m.Sample(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}
