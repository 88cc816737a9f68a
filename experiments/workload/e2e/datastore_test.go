//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stratbench/stratbench/experiments/workload/internal/api"
)

func TestDatastoreHealth(t *testing.T) {
	call(t, "GET", datastoreURL+"/healthz", "").want(t, http.StatusOK)
}

func TestDatastoreReady(t *testing.T) {
	call(t, "GET", datastoreURL+"/readyz", "").want(t, http.StatusOK)
}

func TestDatastoreReturnsWhatWasStored(t *testing.T) {
	id := newRecord(t)
	const body = `{"service":"shop","restarts":3}`
	call(t, "PUT", record(id), body).want(t, http.StatusCreated)
	got := read[api.Record](t, call(t, "GET", record(id), "").want(t, http.StatusOK))
	if got.ID != id || got.Revision != 1 || string(got.Body) != body {
		t.Errorf("got %+v, body %s", got, got.Body)
	}
}

func TestDatastoreMissingRecord(t *testing.T) {
	call(t, "GET", record(unique("missing")), "").want(t, http.StatusNotFound)
}

func TestDatastoreUpdateRaisesRevision(t *testing.T) {
	id := newRecord(t)
	call(t, "PUT", record(id), `{}`).want(t, http.StatusCreated)
	updated := call(t, "PUT", record(id), `{"a":1}`).want(t, http.StatusOK)
	if got := updated.header.Get("ETag"); got != `"2"` {
		t.Errorf("ETag: got %s", got)
	}
}

func TestDatastoreRefusesStaleRevision(t *testing.T) {
	id := newRecord(t)
	call(t, "PUT", record(id), `{}`).want(t, http.StatusCreated)
	call(t, "PUT", record(id), `{"by":"a"}`, "If-Match", `"1"`).want(t, http.StatusOK)
	call(t, "PUT", record(id), `{"by":"b"}`, "If-Match", `"1"`).want(t, http.StatusPreconditionFailed)
	if got := read[api.Record](t, call(t, "GET", record(id), "")); string(got.Body) != `{"by":"a"}` {
		t.Errorf("the refused update is stored: %s", got.Body)
	}
}

func TestDatastoreDelete(t *testing.T) {
	id := newRecord(t)
	call(t, "PUT", record(id), `{}`).want(t, http.StatusCreated)
	call(t, "DELETE", record(id), "").want(t, http.StatusNoContent)
	call(t, "GET", record(id), "").want(t, http.StatusNotFound)
}

func TestDatastoreListsInPages(t *testing.T) {
	prefix := unique("page")
	for i := range 5 {
		id := fmt.Sprintf("%s.%d", prefix, i)
		removeAfter(t, id)
		call(t, "PUT", record(id), `{}`).want(t, http.StatusCreated)
	}
	var got []string
	query := url.Values{"prefix": {prefix + "."}, "limit": {"2"}}
	for range 3 {
		page := read[api.RecordPage](t, call(t, "GET", datastoreURL+"/v1/records?"+query.Encode(), "").want(t, http.StatusOK))
		got = append(got, fmt.Sprint(len(page.Items)))
		query.Set("after", page.Next)
	}
	if fmt.Sprint(got) != "[2 2 1]" || query.Get("after") != "" {
		t.Errorf("page sizes %v, next %q", got, query.Get("after"))
	}
}

func TestDatastoreRefusesInvalidBody(t *testing.T) {
	id := newRecord(t)
	for _, body := range []string{"", "{", "[]", "null"} {
		call(t, "PUT", record(id), body).want(t, http.StatusBadRequest)
	}
	call(t, "GET", record(id), "").want(t, http.StatusNotFound)
}
