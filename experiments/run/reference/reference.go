// Package reference is a small fixed job. Its duration shows how fast the host is at
// that moment, so that a slow host is not mistaken for slow trials.
package reference

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stratbench/stratbench/internal/trial"
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

// Work does the job in a new folder below dir and removes the folder: it hashes on every
// CPU, unpacks a layer into the folder and brings that to disk. It returns the spans of
// these parts, as offsets from its start. A part that failed or was cancelled has its
// error. A killed process leaves its folder in dir.
func Work(ctx context.Context, dir string) (job Job, spans []trial.Span, err error) {
	packed, hash := layer()
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
		{"cpu", func() error { return hashOnEach(ctx, job.CPUs) }},
		{"unpack", func() (err error) {
			for i := 0; i < copies && err == nil; i++ {
				err = unpack(ctx, packed, filepath.Join(folder, strconv.Itoa(i)))
			}
			return err
		}},
		{"sync", func() error { return syncAll(ctx, folder) }},
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

// The layer fits in memory, so that unpacking is timed, and not reading the layer
// from a disk.
const (
	filesInLayer = 16
	fileSize     = 512 << 10
)

// layer returns a compressed archive of files whose content is always the same, and
// its hash. Another release of the compressor may give another archive. Writing into
// memory never fails.
func layer() (packed []byte, hash string) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	random := rand.New(rand.NewPCG(1, 0))
	for i := range filesInLayer {
		archive.WriteHeader(&tar.Header{Name: fmt.Sprintf("f%02d", i), Mode: 0o644, Size: fileSize, ModTime: time.Unix(0, 0)})
		archive.Write(content(random))
	}
	archive.Close()
	zip.Close()
	sum := sha256.Sum256(out.Bytes())
	return out.Bytes(), hex.EncodeToString(sum[:])
}

// content can be compressed to about half its size, like the layers of images:
// every other 64 bytes repeat some a little before them.
func content(random *rand.Rand) []byte {
	const piece, reach = 64, 16 << 10
	text := make([]byte, 0, fileSize)
	for len(text) < fileSize {
		for range piece / 8 {
			text = binary.LittleEndian.AppendUint64(text, random.Uint64())
		}
		from := len(text) - piece - random.IntN(min(len(text)-piece+1, reach))
		text = append(text, text[from:from+piece]...)
	}
	return text
}

func unpack(ctx context.Context, packed []byte, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	archive := tar.NewReader(zip)
	for ctx.Err() == nil {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		f, err := os.Create(filepath.Join(dir, head.Name))
		if err != nil {
			return err
		}
		_, err = io.Copy(f, archive)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// syncAll writes every file and folder below dir to disk.
func syncAll(ctx context.Context, dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
