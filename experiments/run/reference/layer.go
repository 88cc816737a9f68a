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
	"time"
)

// The layer fits in memory, so that unpacking is timed, and not reading the layer
// from a disk.
const (
	filesInLayer = 16
	fileSize     = 512 << 10
)

// layer returns a compressed archive of files whose content is always the same, and
// its hash. Another release of the compressor may give another archive.
func layer() (packed []byte, hash string, err error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	random := rand.New(rand.NewPCG(1, 0))
	for i := range filesInLayer {
		head := &tar.Header{Name: fmt.Sprintf("f%02d", i), Mode: 0o644, Size: fileSize, ModTime: time.Unix(0, 0)}
		if err := archive.WriteHeader(head); err != nil {
			return nil, "", err
		}
		if _, err := archive.Write(content(random)); err != nil {
			return nil, "", err
		}
	}
	if err := errors.Join(archive.Close(), zip.Close()); err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(out.Bytes())
	return out.Bytes(), hex.EncodeToString(sum[:]), nil
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
