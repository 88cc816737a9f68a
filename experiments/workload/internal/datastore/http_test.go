package datastore

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/experiments/workload/internal/serve"
)

func TestHandler(t *testing.T) {
	store := openStore(t)
	mustPut(t, store, "known", 0)
	handler := Handler(store)
	for _, test := range []struct {
		name, method, path, ifMatch, body string
		want                              int
	}{
		{"alive", "GET", "/healthz", "", "", http.StatusOK},
		{"ready", "GET", "/readyz", "", "", http.StatusOK},
		{"new record", "PUT", "/v1/records/new", "", `{}`, http.StatusCreated},
		{"update", "PUT", "/v1/records/known", "", `{}`, http.StatusOK},
		{"update at revision", "PUT", "/v1/records/known", `"2"`, `{}`, http.StatusOK},
		{"stale revision", "PUT", "/v1/records/known", `"2"`, `{}`, http.StatusPreconditionFailed},
		{"bad revision", "PUT", "/v1/records/known", `"x"`, `{}`, http.StatusBadRequest},
		{"array", "PUT", "/v1/records/known", "", `[]`, http.StatusBadRequest},
		{"null", "PUT", "/v1/records/known", "", `null`, http.StatusBadRequest},
		{"no JSON", "PUT", "/v1/records/known", "", `{`, http.StatusBadRequest},
		{"too large", "PUT", "/v1/records/known", "", `{"a":"` + strings.Repeat("x", serve.MaxBody) + `"}`, http.StatusRequestEntityTooLarge},
		{"bad id", "PUT", "/v1/records/Known", "", `{}`, http.StatusBadRequest},
		{"read", "GET", "/v1/records/known", "", "", http.StatusOK},
		{"read unknown", "GET", "/v1/records/unknown", "", "", http.StatusNotFound},
		{"list", "GET", "/v1/records?limit=1", "", "", http.StatusOK},
		{"bad limit", "GET", "/v1/records?limit=0", "", "", http.StatusBadRequest},
		{"delete", "DELETE", "/v1/records/known", "", "", http.StatusNoContent},
		{"delete again", "DELETE", "/v1/records/known", "", "", http.StatusNotFound},
		{"metrics", "GET", "/metrics", "", "", http.StatusOK},
	} {
		request := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
		if test.ifMatch != "" {
			request.Header.Set("If-Match", test.ifMatch)
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != test.want {
			t.Errorf("%s: got %d, want %d: %.200s", test.name, answer.Code, test.want, answer.Body)
		}
	}
}

func TestReadyFailsOnClosedDatabase(t *testing.T) {
	store, err := Open(t.TempDir() + "/records.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	Handler(store).ServeHTTP(answer, httptest.NewRequest("GET", "/readyz", nil))
	if answer.Code != http.StatusServiceUnavailable {
		t.Errorf("got %d, want %d", answer.Code, http.StatusServiceUnavailable)
	}
}
