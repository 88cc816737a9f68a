// Package datastore keeps records in an embedded database and serves them.
package datastore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/stratbench/stratbench/experiments/workload/internal/api"
)

var (
	// ErrNotFound says that no record has this id.
	ErrNotFound = errors.New("no such record")
	// ErrStale says that the record is no longer at the revision the caller knows.
	ErrStale = errors.New("record has another revision")
)

var records = []byte("records")

// Store is a set of records in one database file.
type Store struct {
	db  *bolt.DB
	now func() time.Time
}

// Open opens the database at path, or makes it. It waits a moment for another
// process that holds the file, because a replaced pod may still be stopping.
func Open(path string) (*Store, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: 5 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(records)
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare database %s: %w", path, err), db.Close())
	}
	return &Store{db: db, now: time.Now}, nil
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// Ping reports whether the database can be read.
func (s *Store) Ping() error {
	return s.db.View(func(tx *bolt.Tx) error {
		if tx.Bucket(records) == nil {
			return errors.New("database has no record bucket")
		}
		return nil
	})
}

// Put stores body under id. With a revision other than zero the record must
// exist at that revision, or ErrStale is returned.
func (s *Store) Put(id string, body json.RawMessage, revision uint64) (api.Record, error) {
	var record api.Record
	err := s.db.Update(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(records)
		current, err := find(bucket, id)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if revision != 0 && current.Revision != revision {
			return fmt.Errorf("%w: %d, not %d", ErrStale, current.Revision, revision)
		}
		record = api.Record{ID: id, Revision: current.Revision + 1, Updated: s.now().UTC(), Body: body}
		encoded, err := json.Marshal(record)
		if err != nil {
			return fmt.Errorf("encode record: %w", err)
		}
		return bucket.Put([]byte(id), encoded)
	})
	if err != nil {
		return api.Record{}, fmt.Errorf("put %s: %w", id, err)
	}
	return record, nil
}

// Get returns the record with this id.
func (s *Store) Get(id string) (api.Record, error) {
	var record api.Record
	err := s.db.View(func(tx *bolt.Tx) (err error) {
		record, err = find(tx.Bucket(records), id)
		return err
	})
	if err != nil {
		return api.Record{}, fmt.Errorf("get %s: %w", id, err)
	}
	return record, nil
}

// Delete removes the record with this id.
func (s *Store) Delete(id string) error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(records)
		if bucket.Get([]byte(id)) == nil {
			return ErrNotFound
		}
		return bucket.Delete([]byte(id))
	})
	if err != nil {
		return fmt.Errorf("delete %s: %w", id, err)
	}
	return nil
}

// List returns up to limit records in order of id: those whose id starts with
// prefix and sorts after the id given.
func (s *Store) List(prefix, after string, limit int) (api.RecordPage, error) {
	page := api.RecordPage{Items: []api.Record{}}
	err := s.db.View(func(tx *bolt.Tx) error {
		cursor := tx.Bucket(records).Cursor()
		key, value := cursor.Seek([]byte(max(prefix, after)))
		for ; key != nil && bytes.HasPrefix(key, []byte(prefix)); key, value = cursor.Next() {
			if string(key) == after {
				continue
			}
			if len(page.Items) == limit {
				page.Next = page.Items[limit-1].ID
				return nil
			}
			record, err := decode(value)
			if err != nil {
				return err
			}
			page.Items = append(page.Items, record)
		}
		return nil
	})
	if err != nil {
		return api.RecordPage{}, fmt.Errorf("list %q: %w", prefix, err)
	}
	return page, nil
}

func find(bucket *bolt.Bucket, id string) (api.Record, error) {
	encoded := bucket.Get([]byte(id))
	if encoded == nil {
		return api.Record{}, ErrNotFound
	}
	return decode(encoded)
}

// decode copies what it reads: the database's memory is gone with its transaction.
func decode(encoded []byte) (api.Record, error) {
	var record api.Record
	if err := json.Unmarshal(encoded, &record); err != nil {
		return api.Record{}, fmt.Errorf("decode record: %w", err)
	}
	return record, nil
}
