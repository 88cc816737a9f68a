// Package reference is a small fixed job. Its duration shows how fast the host is at
// that moment, so that a slow host is not mistaken for slow trials.
package reference

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stratbench/stratbench/internal/trial"
)

// The parts of the job, which are the names of its spans: hashing on every
// CPU, unpacking a layer into a folder, bringing that folder to disk.
const (
	PartCPU    = "cpu"
	PartUnpack = "unpack"
	PartSync   = "sync"
)

// Job is what was done. The times of different jobs cannot be compared.
type Job struct {
	CPUs int `json:"cpus"`
	// Hashed is how much each CPU hashes.
	Hashed trial.Bytes `json:"hashed_bytes"`
	// Copies is how often the layer with this hash is unpacked, and Unpacked how
	// much that writes.
	Layer    string      `json:"layer_sha256"`
	Copies   int         `json:"copies"`
	Unpacked trial.Bytes `json:"unpacked_bytes"`
}

// The sizes are chosen for two to three seconds on two cores of 2024.
const (
	hashed = 2 << 30
	copies = 24
)

// Work does the job in a new folder below dir and removes the folder. It returns the
// spans of the job's parts, as offsets from its start. A part that failed or was
// cancelled has its error. A killed process leaves its folder in dir.
func Work(ctx context.Context, dir string) (job Job, spans []trial.Span, err error) {
	packed, hash, err := layer()
	if err != nil {
		return job, nil, err
	}
	folder, err := os.MkdirTemp(dir, "reference-")
	if err != nil {
		return job, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	job = Job{CPUs: runtime.NumCPU(), Hashed: hashed, Layer: hash, Copies: copies, Unpacked: copies * filesInLayer * fileSize}
	parts := []struct {
		name string
		do   func() error
	}{
		{PartCPU, func() error { return hashOnEach(ctx, job.CPUs) }},
		{PartUnpack, func() (err error) {
			for i := 0; i < copies && err == nil; i++ {
				err = unpack(ctx, packed, filepath.Join(folder, strconv.Itoa(i)))
			}
			return err
		}},
		{PartSync, func() error { return syncAll(ctx, folder) }},
	}
	began := time.Now()
	for _, part := range parts {
		span := trial.Span{Name: part.name, Start: trial.Seconds(time.Since(began))}
		err := part.do()
		span.End = trial.Seconds(time.Since(began))
		if err != nil {
			span.Error = err.Error()
		}
		if spans = append(spans, span); err != nil {
			return job, spans, err
		}
	}
	return job, spans, nil
}

// hashOnEach hashes the same amount on all CPUs at once.
func hashOnEach(ctx context.Context, cpus int) error {
	group, ctx := errgroup.WithContext(ctx)
	for range cpus {
		group.Go(func() error {
			h, block := sha256.New(), make([]byte, 1<<20)
			for done := 0; done < hashed && ctx.Err() == nil; done += len(block) {
				h.Write(block)
			}
			return context.Cause(ctx)
		})
	}
	return group.Wait()
}
