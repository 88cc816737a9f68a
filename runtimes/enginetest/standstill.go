package enginetest

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"time"
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

// socket is where the engine's process can be found.
func (s suite) socket(t *testing.T) string {
	endpoint, err := url.Parse(s.Endpoint.Address)
	if err != nil || endpoint.Scheme != "unix" {
		Missing(t, "the engine's process is not known: its endpoint is "+s.Endpoint.Address)
	}
	return endpoint.Path
}
