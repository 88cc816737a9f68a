package enginetest

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/runtimes"
)

// standstill stops the engine's process while its socket goes on accepting.
func (s suite) standstill(t *testing.T) {
	start := stop(t, s.socket(t))
	defer start()
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := s.Engine.Ping(ctx)
	if took := time.Since(began); took > 900*time.Millisecond {
		t.Errorf("a ping with 700 ms to answer returned after %s", took)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a ping of an engine that stands still: %v", err)
	}
	start()
	if err := s.Engine.Ping(within(t, 10*time.Second)); err != nil {
		t.Errorf("after the engine went on: %v", err)
	}
}

// crash kills the engine in the middle of a build.
func (s suite) crash(t *testing.T) {
	socket := s.socket(t)
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
	if err == nil || !strings.Contains(err.Error(), s.LastWords) {
		t.Errorf("building while the engine is killed: %v, want %q in it", err, s.LastWords)
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

// socket is where the engine's process can be found.
func (s suite) socket(t *testing.T) string {
	endpoint, err := url.Parse(s.Endpoint)
	if err != nil || endpoint.Scheme != "unix" {
		Missing(t, "the engine's process is not known: its endpoint is "+s.Endpoint)
	}
	return endpoint.Path
}
