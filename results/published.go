package results

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
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
var publishedFiles = []string{EnvironmentFile, PlanFile, SpecFile, WorkloadFile, ImportFile, ExpectedFile, "look-block-*.json"}

// Publish writes the runs of the given folders into the folder of a report,
// instead of those that were published there before.
func Publish(report string, dirs []string) error {
	root := filepath.Join(report, PublishedFolder)
	before, err := Runs(root)
	if err != nil {
		return err
	}
	for _, dir := range before {
		if slices.ContainsFunc(dirs, func(d string) bool { return filepath.Clean(d) == filepath.Clean(dir) }) {
			return fmt.Errorf("%s is published there already; name the run that it was made of", dir)
		}
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing the records that were published here before: %w", err)
		}
	}
	for _, dir := range dirs {
		if err := publish(dir, filepath.Join(root, filepath.Base(dir))); err != nil {
			return fmt.Errorf("publishing the records of %s: %w", dir, err)
		}
	}
	return nil
}

func publish(dir, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	var names []string
	for _, pattern := range publishedFiles {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		for _, name := range found {
			text, err := os.ReadFile(name)
			if err == nil {
				err = os.WriteFile(filepath.Join(to, filepath.Base(name)), text, 0o644)
			}
			if err != nil {
				return err
			}
			names = append(names, filepath.Base(name))
		}
	}
	if err := compress(filepath.Join(dir, JournalFile), filepath.Join(to, compressedJournal)); err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, name := range append(names, compressedJournal) {
		sum, err := checksum(filepath.Join(to, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%s  %s\n", sum, name)
	}
	return os.WriteFile(filepath.Join(to, ChecksumFile), sums.Bytes(), 0o644)
}

func compress(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	// One thread, so that the same records give the same bytes.
	w, err := zstd.NewWriter(out, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	_, err = io.Copy(w, in)
	return errors.Join(err, w.Close())
}

func checksum(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// Published lists the folders of the runs that are published with a report.
func Published(report string) ([]string, error) {
	if info, err := os.Stat(report); err != nil || !info.IsDir() {
		return nil, nil
	}
	return Runs(filepath.Join(report, PublishedFolder))
}

// verify holds the files of a published run against their checksums.
func verify(dir string) error {
	list, err := os.Open(filepath.Join(dir, ChecksumFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer list.Close()
	var wrong []error
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		want, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok || name != filepath.Base(name) {
			wrong = append(wrong, fmt.Errorf("%q is no line of checksum and name", lines.Text()))
			continue
		}
		switch got, err := checksum(filepath.Join(dir, name)); {
		case err != nil:
			wrong = append(wrong, err)
		case got != want:
			wrong = append(wrong, fmt.Errorf("%s has the checksum %s, and %s says %s", name, got, ChecksumFile, want))
		}
	}
	if err := errors.Join(append(wrong, lines.Err())...); err != nil {
		return fmt.Errorf("the published records in %s are not what was published: %w; fetch them again", dir, err)
	}
	return nil
}

// openRecords opens a run's records, compressed or not. Without any there is
// none.
func openRecords(dir string) (io.ReadCloser, string, error) {
	name := filepath.Join(dir, JournalFile)
	journal, err := os.Open(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return journal, name, err
	}
	name = filepath.Join(dir, compressedJournal)
	if journal, err = os.Open(name); err != nil {
		return nil, name, err
	}
	r, err := zstd.NewReader(journal)
	if err != nil {
		return nil, name, errors.Join(err, journal.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{r, closers{r.IOReadCloser(), journal}}, name, nil
}

type closers []io.Closer

func (all closers) Close() (err error) {
	for _, c := range all {
		err = errors.Join(err, c.Close())
	}
	return err
}
