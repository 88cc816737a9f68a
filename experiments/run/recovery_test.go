package run

import (
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// TestAnEngineThatRestartsIsWaitedFor has a fake engine come back while it is
// waited for.
func TestAnEngineThatRestartsIsWaitedFor(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "engine.sock")
	var notes []string
	r := &runner{report: func(u Update) { notes = append(notes, u.Note) }}
	place := &borrowedPlace{of: machine.Host, engine: runtimes.Endpoint{Runtime: trial.Docker, Address: "unix://" + socket, Source: "DOCKER_HOST"}}
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	defer server.Close()
	go func() {
		time.Sleep(1500 * time.Millisecond)
		l, err := net.Listen("unix", socket)
		if err != nil {
			t.Error(err)
			return
		}
		server.Serve(l)
	}()
	if err := r.awaitEngine(t.Context(), place); err != nil {
		t.Fatal(err)
	}
	if len(notes) != 2 || !strings.Contains(notes[0], "may be restarting: waiting for it, up to 1m0s") || !strings.Contains(notes[1], "docker answers again, after 1.") {
		t.Errorf("said %q", notes)
	}
	if err := r.awaitEngine(t.Context(), place); err != nil || len(notes) != 2 {
		t.Errorf("an engine that answers is waited for: %v, %q", err, notes)
	}
}

// TestAnEngineThatStaysAwayEndsTheRun: the run's error says what to do.
func TestAnEngineThatStaysAwayEndsTheRun(t *testing.T) {
	defer func(before time.Duration) { answerLimit = before }(answerLimit)
	answerLimit = 300 * time.Millisecond
	r := &runner{report: func(Update) {}}
	place := &borrowedPlace{of: machine.Host, engine: runtimes.Endpoint{Runtime: trial.Podman, Address: "unix://" + t.TempDir() + "/none.sock"}}
	err := r.awaitEngine(t.Context(), place)
	if !errors.Is(err, ErrUnrecovered) || !strings.Contains(err.Error(), "--resume") {
		t.Errorf("got %v", err)
	}
}
