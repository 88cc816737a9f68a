package results

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stratbench/stratbench/internal/host"
)

// The files of a run's folder.
const (
	JournalFile     = "trials.jsonl"
	SpecFile        = "spec.yaml"
	WorkloadFile    = "workload.yaml"
	PlanFile        = "plan.json"
	EnvironmentFile = "environment.json"
	lockFile        = "lock"
)

// ErrInUse says that another living run writes to the folder.
var ErrInUse = errors.New("another run is writing to this folder")

// Journal is a run's append-only record. One process at a time holds it.
type Journal struct {
	dir  string
	file *os.File
	lock io.Closer
}

// OpenJournal opens the journal of the run's folder dir, creating both when
// they do not exist. Nothing that stands in the journal is ever changed: a
// line that a killed writer left unfinished is ended with a newline, so that
// the reader reports it and the next record stands on a line of its own. It
// returns ErrInUse, naming the holder, when another process holds the folder.
func OpenJournal(dir string) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("creating the run's folder: %w", err)
	}
	lock, err := holdFolder(dir)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, JournalFile), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	j := &Journal{dir: dir, file: file, lock: lock}
	if err := j.endLastLine(); err != nil {
		j.Close()
		return nil, err
	}
	return j, syncFolder(dir)
}

// holdFolder locks the run's folder, and writes into the lock who holds it.
func holdFolder(dir string) (io.Closer, error) {
	path := filepath.Join(dir, lockFile)
	lock, err := host.TryLock(path)
	if errors.Is(err, host.ErrLocked) {
		holder, _ := os.ReadFile(path)
		return nil, fmt.Errorf("%w: process %s holds %s; wait for it to end, or choose another folder with --dir",
			ErrInUse, strings.TrimSpace(string(holder)), dir)
	}
	if err != nil {
		return nil, fmt.Errorf("taking the run's folder: %w", err)
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("writing who holds the run's folder: %w", err), lock.Close())
	}
	return lock, nil
}

func (j *Journal) endLastLine() error {
	info, err := j.file.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := j.file.ReadAt(last, info.Size()-1); err != nil {
		return fmt.Errorf("reading the end of the journal: %w", err)
	}
	if last[0] == '\n' {
		return nil
	}
	if _, err := j.file.Write([]byte("\n")); err != nil {
		return fmt.Errorf("ending an unfinished line of the journal: %w", err)
	}
	return j.file.Sync()
}

// Append writes records and returns only when all are on disk. After an error
// they must be taken as not written; the journal before them is untouched.
func (j *Journal) Append(records ...Record) error {
	w := bufio.NewWriterSize(j.file, 1<<16)
	for i := range records {
		r := &records[i]
		r.Schema = Schema
		line, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encoding the record of %s: %w", r.Trial.ID, err)
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return j.notRecorded(r, err)
		}
	}
	if len(records) == 0 {
		return nil
	}
	last := &records[len(records)-1]
	if err := w.Flush(); err != nil {
		return j.notRecorded(last, err)
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("syncing the record of %s to disk: %w", last.Trial.ID, err)
	}
	return nil
}

func (j *Journal) notRecorded(r *Record, err error) error {
	return fmt.Errorf("recording %s in %s: %w; free or repair the disk, then continue with --resume", r.Trial.ID, j.file.Name(), err)
}

// WriteOnce writes value as indented JSON to a new file of the run's folder.
// It never overwrites.
func (j *Journal) WriteOnce(name string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", name, err)
	}
	return j.WriteFileOnce(name, append(text, '\n'))
}

// WriteFileOnce writes a new file of the run's folder as it is. It never
// overwrites.
func (j *Journal) WriteFileOnce(name string, text []byte) error {
	path := filepath.Join(j.dir, name)
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("writing %s: %w", path, fs.ErrExist)
	}
	// Under its name it is there as a whole or not at all.
	f, err := os.Create(path + ".new")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return errors.Join(os.Rename(path+".new", path), syncFolder(j.dir))
}

// TrialDir creates a new folder for a trial's own files; name is relative to
// the run's folder. attempt counts from 1: a trial that was interrupted, even
// before it could be recorded, has left a folder, and that stays as it is.
func (j *Journal) TrialDir(id string) (name string, attempt int, err error) {
	if err := os.MkdirAll(filepath.Join(j.dir, "trials"), 0o755); err != nil {
		return "", 0, fmt.Errorf("creating the folder of the trials: %w", err)
	}
	for attempt = 1; ; attempt++ {
		name = filepath.Join("trials", id)
		if attempt > 1 {
			name = fmt.Sprintf("%s.%d", name, attempt)
		}
		err := os.Mkdir(filepath.Join(j.dir, name), 0o755)
		switch {
		case err == nil:
			return name, attempt, nil
		case !errors.Is(err, fs.ErrExist):
			return "", 0, fmt.Errorf("creating the folder of %s: %w", id, err)
		}
	}
}

// Dir returns the run's folder.
func (j *Journal) Dir() string { return j.dir }

// Close releases the folder.
func (j *Journal) Close() error {
	return errors.Join(j.file.Close(), j.lock.Close())
}

// syncFolder makes new names in dir durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
