package datastore

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
)

func openStore(t *testing.T) *Store {
	t.Helper()
	store, err := Open(filepath.Join(t.TempDir(), "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func mustPut(t *testing.T, store *Store, id string, revision uint64) {
	t.Helper()
	if _, err := store.Put(id, json.RawMessage(`{"a":1}`), revision); err != nil {
		t.Fatal(err)
	}
}

func TestStoreKeepsRecordsOverReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records.db")
	first, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, first, "one", 0)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	record, err := second.Get("one")
	if err != nil {
		t.Fatal(err)
	}
	if record.Revision != 1 || string(record.Body) != `{"a":1}` {
		t.Errorf("got revision %d, body %s", record.Revision, record.Body)
	}
}

func TestStorePutChecksRevision(t *testing.T) {
	store := openStore(t)
	if _, err := store.Put("one", json.RawMessage(`{}`), 1); !errors.Is(err, ErrStale) {
		t.Errorf("revision of a record that does not exist: got %v, want ErrStale", err)
	}
	mustPut(t, store, "one", 0)
	mustPut(t, store, "one", 1)
	if _, err := store.Put("one", json.RawMessage(`{}`), 1); !errors.Is(err, ErrStale) {
		t.Errorf("old revision: got %v, want ErrStale", err)
	}
}

func TestStoreDelete(t *testing.T) {
	store := openStore(t)
	mustPut(t, store, "one", 0)
	if err := store.Delete("one"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Get("one"); !errors.Is(err, ErrNotFound) {
		t.Errorf("get: got %v, want ErrNotFound", err)
	}
	if err := store.Delete("one"); !errors.Is(err, ErrNotFound) {
		t.Errorf("second delete: got %v, want ErrNotFound", err)
	}
}

func TestStoreListVisitsEachRecordOnce(t *testing.T) {
	store := openStore(t)
	for i := range 7 {
		mustPut(t, store, fmt.Sprintf("run.%d", i), 0)
	}
	mustPut(t, store, "other", 0)
	mustPut(t, store, "a", 0)
	for limit := 1; limit <= 8; limit++ {
		var got []string
		after := ""
		for pages := 0; pages <= 8; pages++ {
			page, err := store.List("run.", after, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, record := range page.Items {
				got = append(got, record.ID)
			}
			if after = page.Next; after == "" {
				break
			}
		}
		want := "[run.0 run.1 run.2 run.3 run.4 run.5 run.6]"
		if fmt.Sprint(got) != want {
			t.Errorf("limit %d: got %v, want %s", limit, got, want)
		}
	}
}
