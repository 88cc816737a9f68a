package datastore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/stratbench/stratbench/experiments/workload/internal/serve"
)

const (
	defaultLimit = 50
	maxLimit     = 500
)

// Ids follow the names of Kubernetes objects, whose records these are.
var validID = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

// Handler serves the store.
func Handler(store *Store) http.Handler {
	mux := http.NewServeMux()
	serve.Health(mux, func(context.Context) error { return store.Ping() })
	registry := prometheus.NewRegistry()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))

	records := http.NewServeMux()
	records.HandleFunc("PUT /v1/records/{id}", store.servePut)
	records.HandleFunc("GET /v1/records/{id}", store.serveGet)
	records.HandleFunc("DELETE /v1/records/{id}", store.serveDelete)
	records.HandleFunc("GET /v1/records", store.serveList)
	mux.Handle("/v1/", measured(registry, records))
	return mux
}

func measured(registry *prometheus.Registry, next http.Handler) http.Handler {
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "datastore_request_seconds",
		Help:    "Time taken to answer a request.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 4, 7),
	}, []string{"method", "code"})
	registry.MustRegister(seconds)
	return promhttp.InstrumentHandlerDuration(seconds, next)
}

func (s *Store) servePut(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !validID.MatchString(id) {
		serve.Refuse(w, http.StatusBadRequest, fmt.Errorf("id %q does not match %s", id, validID))
		return
	}
	revision, err := matchedRevision(r.Header.Get("If-Match"))
	if err != nil {
		serve.Refuse(w, http.StatusBadRequest, err)
		return
	}
	body, err := readObject(http.MaxBytesReader(w, r.Body, serve.MaxBody))
	if err != nil {
		serve.Refuse(w, serve.BodyStatus(err), err)
		return
	}
	record, err := s.Put(id, body, revision)
	if err != nil {
		serve.Refuse(w, status(err), err)
		return
	}
	code := http.StatusOK
	if record.Revision == 1 {
		code = http.StatusCreated
	}
	w.Header().Set("ETag", etag(record.Revision))
	serve.JSON(w, code, record)
}

func (s *Store) serveGet(w http.ResponseWriter, r *http.Request) {
	record, err := s.Get(r.PathValue("id"))
	if err != nil {
		serve.Refuse(w, status(err), err)
		return
	}
	w.Header().Set("ETag", etag(record.Revision))
	serve.JSON(w, http.StatusOK, record)
}

func (s *Store) serveDelete(w http.ResponseWriter, r *http.Request) {
	if err := s.Delete(r.PathValue("id")); err != nil {
		serve.Refuse(w, status(err), err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Store) serveList(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	limit, err := pageLimit(query.Get("limit"))
	if err != nil {
		serve.Refuse(w, http.StatusBadRequest, err)
		return
	}
	page, err := s.List(query.Get("prefix"), query.Get("after"), limit)
	if err != nil {
		serve.Refuse(w, status(err), err)
		return
	}
	serve.JSON(w, http.StatusOK, page)
}

func status(err error) int {
	switch {
	case errors.Is(err, ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, ErrStale):
		return http.StatusPreconditionFailed
	default:
		return http.StatusInternalServerError
	}
}

func etag(revision uint64) string { return fmt.Sprintf("%q", strconv.FormatUint(revision, 10)) }

// matchedRevision reads an If-Match header; zero asks for no check.
func matchedRevision(header string) (uint64, error) {
	if header == "" {
		return 0, nil
	}
	revision, err := strconv.ParseUint(strings.Trim(header, `"`), 10, 64)
	if err != nil || revision == 0 {
		return 0, fmt.Errorf("If-Match %s names no revision", header)
	}
	return revision, nil
}

func readObject(body io.Reader) (json.RawMessage, error) {
	raw, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, fmt.Errorf("body is not a JSON object: %w", err)
	}
	if object == nil {
		return nil, errors.New("body is not a JSON object: null")
	}
	return raw, nil
}

func pageLimit(given string) (int, error) {
	if given == "" {
		return defaultLimit, nil
	}
	limit, err := strconv.Atoi(given)
	if err != nil || limit < 1 || limit > maxLimit {
		return 0, fmt.Errorf("limit %q is not a number from 1 to %d", given, maxLimit)
	}
	return limit, nil
}
