// Package kubetest serves ConfigMaps of one namespace as a Kubernetes API
// server does, for tests without a cluster.
package kubetest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"

	"github.com/stratbench/stratbench/experiments/workload/internal/kube"
)

// Server is an API server in this process.
type Server struct {
	*httptest.Server

	mu      sync.Mutex
	version int
	objects map[string]kube.ConfigMap
	events  []change
	changed chan struct{} // closed at the next change
}

type change struct {
	Type    string         `json:"type"`
	Object  kube.ConfigMap `json:"object"`
	version int
}

// New starts a server. Close ends it.
func New() *Server {
	s := &Server{objects: map[string]kube.ConfigMap{}, changed: make(chan struct{})}
	const all = "/api/v1/namespaces/{namespace}/configmaps"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+all, s.list)
	mux.HandleFunc("POST "+all, s.create)
	mux.HandleFunc("GET "+all+"/{name}", s.get)
	mux.HandleFunc("PATCH "+all+"/{name}", s.patch)
	mux.HandleFunc("DELETE "+all+"/{name}", s.delete)
	s.Server = httptest.NewServer(mux)
	return s
}

// Client returns a client of the server.
func (s *Server) Client() *kube.Client { return kube.New(s.URL, s.Server.Client(), nil) }

// record numbers a change and tells the watches. The caller holds the lock.
func (s *Server) record(kind string, object kube.ConfigMap) kube.ConfigMap {
	s.version++
	object.Meta.ResourceVersion = strconv.Itoa(s.version)
	if kind == "DELETED" {
		delete(s.objects, object.Meta.Name)
	} else {
		s.objects[object.Meta.Name] = object
	}
	s.events = append(s.events, change{Type: kind, Object: object, version: s.version})
	close(s.changed)
	s.changed = make(chan struct{})
	return object
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("watch") == "true" {
		s.watch(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	items := slices.Collect(maps.Values(s.objects))
	answer(w, http.StatusOK, kube.ConfigMapList{
		Meta:  kube.Meta{ResourceVersion: strconv.Itoa(s.version)},
		Items: items,
	})
}

func (s *Server) watch(w http.ResponseWriter, r *http.Request) {
	seen, err := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	flusher := http.NewResponseController(w)
	for {
		s.mu.Lock()
		events, changed := slices.Clone(s.events), s.changed
		s.mu.Unlock()
		for _, e := range events {
			if e.version <= seen {
				continue
			}
			seen = e.version
			if json.NewEncoder(w).Encode(e) != nil {
				return
			}
		}
		if flusher.Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	var object kube.ConfigMap
	if err := json.NewDecoder(r.Body).Decode(&object); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, exists := s.objects[object.Meta.Name]; exists {
		http.Error(w, "exists", http.StatusConflict)
		return
	}
	object.Meta.Namespace = r.PathValue("namespace")
	answer(w, http.StatusCreated, s.record("ADDED", object))
}

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if object, ok := s.find(w, r); ok {
		answer(w, http.StatusOK, object)
	}
}

func (s *Server) patch(w http.ResponseWriter, r *http.Request) {
	var patch kube.ConfigMap
	if err := json.NewDecoder(r.Body).Decode(&patch); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	object, ok := s.find(w, r)
	if !ok {
		return
	}
	if v := patch.Meta.ResourceVersion; v != "" && v != object.Meta.ResourceVersion {
		http.Error(w, "changed", http.StatusConflict)
		return
	}
	object.Data = merged(object.Data, patch.Data)
	object.Meta.Annotations = merged(object.Meta.Annotations, patch.Meta.Annotations)
	answer(w, http.StatusOK, s.record("MODIFIED", object))
}

func (s *Server) delete(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if object, ok := s.find(w, r); ok {
		answer(w, http.StatusOK, s.record("DELETED", object))
	}
}

func (s *Server) find(w http.ResponseWriter, r *http.Request) (kube.ConfigMap, bool) {
	object, ok := s.objects[r.PathValue("name")]
	if !ok {
		http.Error(w, "not found", http.StatusNotFound)
	}
	return object, ok
}

// merged leaves old as it is: earlier events still show it.
func merged(old, changes map[string]string) map[string]string {
	both := map[string]string{}
	maps.Copy(both, old)
	maps.Copy(both, changes)
	return both
}

func answer(w http.ResponseWriter, code int, v any) {
	w.WriteHeader(code)
	// A client that went away needs no answer.
	_ = json.NewEncoder(w).Encode(v)
}
