// Package serve is the HTTP server that all three services use.
package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/stratbench/stratbench/experiments/workload/internal/api"
)

// MaxBody bounds a request body in bytes.
const MaxBody = 1 << 20

const drain = 3 * time.Second

// Run serves handler on addr until ctx ends, then lets open requests finish.
func Run(ctx context.Context, addr string, handler http.Handler) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()

	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", addr, err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}

// Health adds /healthz, which says that the process answers, and /readyz,
// which says whether it can do its work.
func Health(mux *http.ServeMux, ready func(context.Context) error) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		JSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := ready(r.Context()); err != nil {
			Refuse(w, http.StatusServiceUnavailable, err)
			return
		}
		JSON(w, http.StatusOK, map[string]string{"status": "ready"})
	})
}

// JSON answers with v.
func JSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The status is already sent, so only a client that went away can fail here.
	_ = json.NewEncoder(w).Encode(v)
}

// Refuse answers with an error.
func Refuse(w http.ResponseWriter, status int, err error) {
	JSON(w, status, api.Fault{Error: err.Error()})
}

// Decode reads the request's JSON body into v, strictly. If that fails, it answers
// the request and returns false.
func Decode(w http.ResponseWriter, r *http.Request, v any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, MaxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		Refuse(w, BodyStatus(err), fmt.Errorf("read body: %w", err))
		return false
	}
	return true
}

// BodyStatus is the answer to a body that could not be read.
func BodyStatus(err error) int {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}
