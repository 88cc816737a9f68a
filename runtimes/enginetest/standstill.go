package enginetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// standstill stops the engine's process while its socket goes on accepting.
func (s suite) standstill(t *testing.T) {
	start := stop(t, s.socket())
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

// atSocket reports whether the engine's process can be found by its socket.
func (s suite) atSocket() bool { return strings.HasPrefix(s.Endpoint.Address, "unix://") }

func (s suite) socket() string { return strings.TrimPrefix(s.Endpoint.Address, "unix://") }
