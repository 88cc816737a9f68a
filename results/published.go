package results

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/stratbench/stratbench/internal/host"
)

// A run is published beside a report: its records compressed, without logs, and
// with the checksum of each file, in the form of sha256sum.
const (
	// PublishedFolder is the folder, in that of a report, of its runs.
	PublishedFolder = "records"
	ChecksumFile    = "SHA256SUMS"

	compressedJournal = JournalFile + ".zst"
)

// publishedFiles are those of a run's folder that are published as they are.
var publishedFiles = []string{EnvironmentFile, PlanFile, SpecFile, WorkloadFile, ImportFile, ExpectedFile, lookFiles}

// Publish writes the runs of the given folders into the folder of a report,
// and removes those that were published there before.
func Publish(report string, dirs []string) error {
	return host.Whole(func() error {
		root := filepath.Join(report, PublishedFolder)
		before, err := Runs(root)
		if err != nil {
			return err
		}
		// The new ones are whole, and there, before the old ones go.
		fresh := filepath.Join(report, "."+PublishedFolder+".new")
		if err := os.RemoveAll(fresh); err != nil {
			return fmt.Errorf("removing what an interrupted publication left: %w", err)
		}
		defer os.RemoveAll(fresh)
		for _, dir := range before {
			if slices.ContainsFunc(dirs, func(d string) bool { return filepath.Clean(d) == filepath.Clean(dir) }) {
				return fmt.Errorf("%s is published there already; name the run that it was made of", dir)
			}
		}
		for _, dir := range dirs {
			if err := publish(dir, filepath.Join(fresh, filepath.Base(dir))); err != nil {
				return fmt.Errorf("publishing the records of %s: %w", dir, err)
			}
		}
		if err := os.MkdirAll(root, 0o755); err != nil {
			return fmt.Errorf("publishing records: %w", err)
		}
		for _, dir := range dirs {
			name := filepath.Base(dir)
			to, old := filepath.Join(root, name), filepath.Join(fresh, ".old."+name)
			aside := os.Rename(to, old)
			err := os.Rename(filepath.Join(fresh, name), to)
			if err != nil && aside == nil {
				err = errors.Join(err, os.Rename(old, to))
			}
			if err != nil {
				return fmt.Errorf("publishing the records of %s: %w", dir, err)
			}
			before = slices.DeleteFunc(before, func(b string) bool { return b == to })
		}
		for _, dir := range before {
			if err := os.RemoveAll(dir); err != nil {
				return fmt.Errorf("removing the records that were published here before: %w", err)
			}
		}
		return nil
	})
}

func publish(dir, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	var sums bytes.Buffer
	write := func(name string, text []byte) error {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), name)
		return os.WriteFile(filepath.Join(to, name), text, 0o644)
	}
	for _, pattern := range publishedFiles {
		names, _ := fs.Glob(os.DirFS(dir), pattern) // it fails for a malformed pattern only
		for _, name := range names {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err == nil {
				err = write(name, text)
			}
			if err != nil {
				return err
			}
		}
	}
	journal, err := os.Open(filepath.Join(dir, JournalFile))
	if err != nil {
		return err
	}
	defer journal.Close()
	var compressed bytes.Buffer
	// One thread, so that the same records give the same bytes. Only wrong options are errors.
	w, _ := zstd.NewWriter(&compressed, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	_, err = io.Copy(w, journal)
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	if err := write(compressedJournal, compressed.Bytes()); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, ChecksumFile), sums.Bytes(), 0o644)
}

// Published lists the folders of the runs that are published with a report.
func Published(report string) ([]string, error) {
	if info, err := os.Stat(report); err != nil || !info.IsDir() {
		return nil, nil
	}
	return Runs(filepath.Join(report, PublishedFolder))
}

// verify compares the files of a published run with their checksums.
func verify(dir string) error {
	list, err := os.ReadFile(filepath.Join(dir, ChecksumFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	wrong := []error{err}
	for line := range strings.Lines(string(list)) {
		line = strings.TrimSpace(line)
		want, name, ok := strings.Cut(line, "  ")
		if !ok || name != filepath.Base(name) {
			wrong = append(wrong, fmt.Errorf("%q is no line of checksum and name", line))
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if got := fmt.Sprintf("%x", sha256.Sum256(text)); err == nil && got != want {
			err = fmt.Errorf("%s has the checksum %s, and %s says %s", name, got, ChecksumFile, want)
		}
		wrong = append(wrong, err)
	}
	if err := errors.Join(wrong...); err != nil {
		return fmt.Errorf("the published records in %s are not what was published: %w; fetch them again", dir, err)
	}
	return nil
}

// readRecords reads a run's journal, compressed or not; without one there is no record.
func readRecords(dir string) (records []Record, damaged []Damage, err error) {
	name := filepath.Join(dir, JournalFile)
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		name = filepath.Join(dir, compressedJournal)
		file, err = os.Open(name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("opening the journal: %w", err)
	}
	defer file.Close()
	if filepath.Base(name) == JournalFile {
		return Read(name, file)
	}
	journal, err := zstd.NewReader(file)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the journal: %w", err)
	}
	defer journal.Close()
	return Read(name, journal)
}
