package enginetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/runtimes"
)

// crash kills the engine in the middle of a build.
func (s suite) crash(t *testing.T) {
	socket := s.socket()
	events, err := s.Engine.Events(within(t, time.Minute))
	must(t, err)
	token := token()
	r := newRecorder(t)
	r.started = func(name string) {
		if strings.Contains(name, token) {
			go func() {
				running(t, token, true)
				kill(t, socket)
			}()
		}
	}
	_, err = s.Engine.Build(within(t, time.Minute), runtimes.Build{
		Tag: "stratbench.local/enginetest/crashed:1", Context: folder(t, "FROM "+baseImage+"\nRUN [\"/probe\", \"sleep\", \"1h\", \""+token+"\"]\n"),
	}, r.report)
	r.close()
	t.Log(err)
	said := func(words string) bool { return err != nil && strings.Contains(err.Error(), words) }
	if !slices.ContainsFunc(s.LastWords, said) {
		t.Errorf("building while the engine is killed: %v, want one of %q in it", err, s.LastWords)
	}
	for end := time.After(5 * time.Second); ; {
		select {
		case _, ok := <-events:
			if !ok {
				return
			}
		case <-end:
			t.Fatal("the events did not end with the engine")
		}
	}
}
