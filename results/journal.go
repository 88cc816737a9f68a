package results

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
)

// ErrInUse is the error of a folder that another living run writes to.
var ErrInUse = errors.New("another run is writing to this folder")

// Journal is a run's append-only record. One process at a time holds it.
type Journal struct {
	// Restored, unless it is nil, is called with what has happened when the run's folder
	// was removed under its writer and is there again.
	Restored func(note string)
	dir      string
	file     *os.File
	lock     io.Closer
	// kept are the other files of the run, by name, as far as they are needed to read it.
	kept map[string][]byte
}

// lockFile is locked by the process that writes to a run's folder.
const lockFile = "lock"

// OpenJournal opens the journal of the run's folder dir, and makes both if need be. A line
// that a killed writer left unfinished is ended with a newline: the reader reports it. The
// error is ErrInUse, with the holder, while another process holds the folder.
func OpenJournal(dir string) (j *Journal, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("creating the run's folder: %w", err)
	}
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
	defer func() {
		if err != nil {
			lock.Close()
		}
	}()
	if err := os.WriteFile(path, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o644); err != nil {
		return nil, fmt.Errorf("writing who holds the run's folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, JournalFile), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	if err := errors.Join(endLastLine(file), syncFolder(dir)); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	j = &Journal{dir: dir, file: file, lock: lock, kept: map[string][]byte{}}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if end := filepath.Ext(e.Name()); end == ".json" || end == ".yaml" {
			if text, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil {
				j.kept[e.Name()] = text
			}
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listing the run's folder: %w", err), file.Close())
	}
	return j, nil
}

// restore makes the run's folder again if it was removed, or moved, while it is written
// to: with all records, which the open file still has, and with what was written once. The
// trials' own folders are lost. What somebody else has put there stays.
func (j *Journal) restore() (err error) {
	path := j.file.Name()
	mine, err := j.file.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Stat(path); err == nil && os.SameFile(mine, there) {
		return nil
	}
	result := "could not be written again, so what the run has recorded there is lost"
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s was removed, moved or replaced while the run went on, and %s: %w; if it was moved, continue it there with --resume, else start a new run", path, result, err)
		}
	}()
	text := make([]byte, mine.Size())
	if _, err := j.file.ReadAt(text, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	_ = j.lock.Close() // of a file that is gone, or is locked again now
	again, err := OpenJournal(j.dir)
	if err != nil {
		return err
	}
	has := map[string]bool{}
	there, err := os.ReadFile(path)
	for line := range bytes.Lines(there) {
		has[string(line)] = true
	}
	for line := range bytes.Lines(text) {
		if err == nil && !has[string(line)] {
			_, err = again.file.Write(line)
		}
	}
	if err = errors.Join(err, again.file.Sync()); err == nil {
		result = "is written again, with every record, but not all other files of the run are"
		for name, text := range j.kept {
			if failed := again.WriteFileOnce(name, text); !errors.Is(failed, fs.ErrExist) {
				err = errors.Join(err, failed)
			}
		}
	}
	if err != nil { // it is tried again with the next record, and at the end
		return errors.Join(err, again.file.Close(), again.lock.Close())
	}
	_ = j.file.Close() // nothing is written to it any more
	j.file, j.lock = again.file, again.lock
	if j.Restored != nil {
		j.Restored(path + " was removed, moved or replaced while the run went on; it is written again, with every record, but the logs of the trials so far may be lost")
	}
	return nil
}

// InUse reports whether a process is writing to the run's folder dir.
func InUse(dir string) bool {
	path := filepath.Join(dir, lockFile)
	if !exists(path) {
		return false
	}
	lock, err := host.TryLock(path)
	if err == nil {
		_ = lock.Close()
	}
	return errors.Is(err, host.ErrLocked)
}

func endLastLine(file *os.File) error {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, info.Size()-1); err != nil {
		return fmt.Errorf("reading the end of the journal: %w", err)
	}
	if last[0] == '\n' {
		return nil
	}
	if _, err := file.Write([]byte("\n")); err != nil {
		return fmt.Errorf("ending an unfinished line of the journal: %w", err)
	}
	return file.Sync()
}

// Append writes records and returns once all are on disk. After an error none
// counts as written; the journal before them is untouched.
func (j *Journal) Append(records ...Record) error {
	if len(records) == 0 {
		return nil
	}
	return host.Whole(func() error {
		w := bufio.NewWriterSize(j.file, 1<<16)
		for i := range records {
			records[i].Schema = Schema
			line, err := json.Marshal(&records[i])
			if err != nil {
				return fmt.Errorf("encoding the record of %s: %w", records[i].Trial.ID, err)
			}
			_, _ = w.Write(append(line, '\n')) // Flush returns its error
		}
		err := w.Flush()
		if err == nil {
			err = j.file.Sync()
		}
		if err != nil {
			return fmt.Errorf("recording %s in %s: %w; free or repair the disk, then continue with --resume", records[len(records)-1].Trial.ID, j.file.Name(), err)
		}
		return j.restore()
	})
}

// WriteOnce writes value as indented JSON to a new file of the run's folder. It never overwrites.
func (j *Journal) WriteOnce(name string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", name, err)
	}
	return j.WriteFileOnce(name, append(text, '\n'))
}

// WriteFileOnce writes a new file of the run's folder as it is. It never overwrites.
func (j *Journal) WriteFileOnce(name string, text []byte) error {
	return host.Whole(func() error {
		if err := j.restore(); err != nil {
			return err
		}
		path := filepath.Join(j.dir, name)
		_, err := os.Lstat(path)
		if err == nil {
			err = fs.ErrExist
		} else {
			err = host.WriteFile(path, text)
		}
		if err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
		j.kept[name] = text
		return syncFolder(j.dir)
	})
}

// TrialDir creates a new folder for a trial's own files; name is relative to the run's
// folder. attempt counts from 1: the folder of an interrupted trial stays as it is.
func (j *Journal) TrialDir(id string) (name string, attempt int, err error) {
	if err := j.restore(); err != nil {
		return "", 0, err
	}
	if err := os.MkdirAll(filepath.Join(j.dir, "trials"), 0o755); err != nil {
		return "", 0, fmt.Errorf("creating the folder of the trials: %w", err)
	}
	for attempt = 1; ; attempt++ {
		name = filepath.Join("trials", id)
		if attempt > 1 {
			name = fmt.Sprintf("%s.%d", name, attempt)
		}
		err := os.Mkdir(filepath.Join(j.dir, name), 0o755)
		if err == nil {
			return name, attempt, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", 0, fmt.Errorf("creating the folder of %s: %w", id, err)
		}
	}
}

// Dir returns the run's folder.
func (j *Journal) Dir() string { return j.dir }

// Close releases the folder.
func (j *Journal) Close() error {
	err := j.restore() // may open both anew
	return errors.Join(err, j.file.Close(), j.lock.Close())
}

// syncFolder makes new names in dir durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Damage is a line of a journal that is no record. It is reported, and the rest is used.
type Damage struct {
	File    string
	Line    int
	Message string
}

func (d Damage) String() string { return d.Place() + ": " + d.Message }

// Place is the file and the line, or the file alone if all of it is damaged.
func (d Damage) Place() string {
	if d.Line == 0 {
		return d.File
	}
	return fmt.Sprintf("%s:%d", d.File, d.Line)
}

// Read reads a journal. What is damaged is reported under name; an error is never about a
// line.
func Read(name string, r io.Reader) (records []Record, damaged []Damage, err error) {
	records = make([]Record, 0, 64) // as many as a night has
	lines := bufio.NewReaderSize(r, 1<<14)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if text := bytes.TrimSpace(line); len(text) > 0 {
			last := len(records)
			records = append(records, Record{}) // decoded in place: records are large
			if damage := records[last].parse(text, bytes.HasSuffix(line, []byte("\n"))); damage != "" {
				records, damaged = records[:last], append(damaged, Damage{name, number, damage})
			} else {
				records[last].Line = number
			}
		}
		if errors.Is(err, io.EOF) {
			return records, damaged, nil
		}
		if err != nil {
			return records, damaged, fmt.Errorf("reading %s: %w", name, err)
		}
	}
}

// parse reads a line, and returns why it is no record that can be used.
func (r *Record) parse(line []byte, ended bool) (damage string) {
	if err := json.Unmarshal(line, r); err != nil || r.Schema != Schema {
		var head struct {
			Schema string `json:"schema"`
		}
		switch wrong := json.Unmarshal(line, &head); {
		case wrong != nil && !ended:
			return "the line is cut off: its writer was stopped in mid-record"
		case wrong != nil:
			return "not a record: " + wrong.Error()
		case head.Schema != Schema:
			return fmt.Sprintf("schema %q is not %q: written by another version, or no record of stratbench", head.Schema, Schema)
		}
		return fmt.Sprint("not a record: ", err)
	}
	if r.Trial.ID == "" || r.Verdict.Outcome == "" {
		return "the record has no trial or no outcome"
	}
	for i, t := range []*trial.Seconds{r.Setup, &r.Elapsed} {
		if t != nil && *t < 0 {
			return fmt.Sprintf("not a record: %s is %g, and a time cannot be negative", []string{"setup_seconds", "elapsed_seconds"}[i], t.Duration().Seconds())
		}
	}
	for _, s := range r.Spans {
		if s.Start < 0 || s.End < s.Start {
			return fmt.Sprintf("not a record: the span %s ends before it starts, or starts before the trial", s.Name)
		}
	}
	return ""
}
