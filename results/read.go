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
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/stratbench/stratbench/internal/trial"
)

// Fault is a line of a journal that is no record. It is reported and passed
// over; the rest of the journal is used.
type Fault struct {
	File    string
	Line    int
	Message string
}

func (f Fault) String() string { return f.Place() + ": " + f.Message }

// Place is the file and the line; the file alone where it is about all of it.
func (f Fault) Place() string {
	if f.Line == 0 {
		return f.File
	}
	return fmt.Sprintf("%s:%d", f.File, f.Line)
}

// Read reads a journal. name is used in faults. The error is of reading
// itself, never of a line's content.
func Read(name string, r io.Reader) (records []Record, faults []Fault, err error) {
	lines := bufio.NewReaderSize(r, 1<<16)
	var batches [][]Record
	for first := 1; ; first += linesAtOnce {
		batch, err := readLines(lines)
		read, wrong := parseLines(name, first, batch)
		batches, faults = append(batches, read), append(faults, wrong...)
		if errors.Is(err, io.EOF) {
			return slices.Concat(batches...), faults, nil
		}
		if err != nil {
			return slices.Concat(batches...), faults, fmt.Errorf("reading %s: %w", name, err)
		}
	}
}

// linesAtOnce are read before they are decoded side by side: of a long
// journal never the whole text is held.
const linesAtOnce = 512

func readLines(r *bufio.Reader) (lines [][]byte, err error) {
	for range linesAtOnce {
		line, err := r.ReadBytes('\n')
		lines = append(lines, line)
		if err != nil {
			return lines, err
		}
	}
	return lines, nil
}

func parseLines(name string, first int, lines [][]byte) (records []Record, faults []Fault) {
	parsed, messages := make([]Record, len(lines)), make([]string, len(lines))
	var group sync.WaitGroup
	workers := runtime.NumCPU()
	for w := range workers {
		group.Go(func() {
			for i := w; i < len(lines); i += workers {
				if text := bytes.TrimSpace(lines[i]); len(text) > 0 {
					parsed[i], messages[i] = parse(text, bytes.HasSuffix(lines[i], []byte("\n")))
				}
			}
		})
	}
	group.Wait()
	for i := range lines {
		switch {
		case messages[i] != "":
			faults = append(faults, Fault{name, first + i, messages[i]})
		case parsed[i].Schema != "":
			parsed[i].Line = first + i
			records = append(records, parsed[i])
		}
	}
	return records, faults
}

func parse(line []byte, ended bool) (r Record, fault string) {
	if err := json.Unmarshal(line, &r); err == nil && r.Schema == Schema {
		if r.Trial.ID == "" || r.Verdict.Outcome == "" {
			return r, "the record has no trial or no outcome"
		}
		return r, r.impossible()
	}
	return Record{}, whatIsWrong(line, ended)
}

// impossible says which of the record's times cannot be.
func (r Record) impossible() string {
	negative := func(name string, t trial.Seconds) string {
		return fmt.Sprintf("not a record: %s is %g, and a time cannot be negative", name, t.Duration().Seconds())
	}
	switch {
	case r.Setup != nil && *r.Setup < 0:
		return negative("setup_seconds", *r.Setup)
	case r.Elapsed < 0:
		return negative("elapsed_seconds", r.Elapsed)
	}
	for _, s := range r.Spans {
		if s.Start < 0 || s.End < s.Start {
			return fmt.Sprintf("not a record: the span %s ends before it starts, or starts before the trial", s.Name)
		}
	}
	return ""
}

// whatIsWrong says why a line is no record.
func whatIsWrong(line []byte, ended bool) string {
	var head struct {
		Schema string `json:"schema"`
	}
	switch err := json.Unmarshal(line, &head); {
	case err != nil && !ended:
		return "the line is cut off: its writer was stopped in mid-record"
	case err != nil:
		return "not a record: " + err.Error()
	case head.Schema != Schema:
		return fmt.Sprintf("schema %q is not %q: written by another version, or no record of stratbench", head.Schema, Schema)
	}
	return fmt.Sprint("not a record: ", json.Unmarshal(line, new(Record)))
}

// Run is a run's folder as read.
type Run struct {
	Dir         string
	Environment Environment
	Plan        Plan
	Records     []Record
	Faults      []Fault
	// Looks are what was decided on the way, where the run stops by that.
	Looks []Look
	// Import is set when the run's records were imported.
	Import *Import
	// Expected is what the run expected of builds, where a strategy goes by it.
	Expected []Expected
}

// ID returns the run's name: that of its folder.
func (r Run) ID() string { return filepath.Base(r.Dir) }

// ReadRun reads the run in the folder dir, which one that is published is only
// with the checksums that it has.
func ReadRun(dir string) (Run, error) {
	run := Run{Dir: dir}
	if err := verify(dir); err != nil {
		return run, err
	}
	if err := readJSON(dir, EnvironmentFile, &run.Environment); err != nil {
		return run, err
	}
	if err := readJSON(dir, PlanFile, &run.Plan); err != nil {
		return run, err
	}
	if _, err := os.Stat(filepath.Join(dir, ImportFile)); err == nil {
		run.Import = &Import{}
		if err := readJSON(dir, ImportFile, run.Import); err != nil {
			return run, err
		}
	}
	if _, err := os.Stat(filepath.Join(dir, ExpectedFile)); err == nil {
		if err := readJSON(dir, ExpectedFile, &run.Expected); err != nil {
			return run, err
		}
	}
	looks, err := readLooks(dir)
	if err != nil {
		return run, err
	}
	run.Looks = looks
	journal, name, err := openRecords(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return run, nil
	}
	if err != nil {
		return run, fmt.Errorf("opening the journal: %w", err)
	}
	defer journal.Close()
	run.Records, run.Faults, err = Read(name, journal)
	return run, err
}

func readJSON(dir, name string, value any) error {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return fmt.Errorf("reading the run in %s: %w; name a folder that stratbench run made", dir, err)
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("reading %s of %s: %w", name, dir, err)
	}
	return nil
}

// Find returns the last record of the trial or preparation with the given ID.
func (r Run) Find(id string) (Record, bool) {
	for _, rec := range slices.Backward(r.Records) {
		if rec.Trial.ID == id {
			return rec, true
		}
	}
	return Record{}, false
}

// Trials returns the run's trials without preparations, each once: of a trial
// that was done again after an interruption, the last attempt counts.
func (r Run) Trials() []Record {
	shared := r.SharedTrials()
	trials := make([]Record, len(shared))
	for i, rec := range shared {
		trials[i] = *rec
	}
	return trials
}

// SharedTrials is Trials without copies: there may be very many. They are for
// reading only.
func (r Run) SharedTrials() []*Record {
	trials := make([]*Record, 0, len(r.Records))
	place := make(map[string]int, len(r.Records))
	for i := range r.Records {
		rec := &r.Records[i]
		if rec.Kind != KindTrial {
			continue
		}
		if at, again := place[rec.Trial.ID]; again {
			trials[at] = rec
			continue
		}
		place[rec.Trial.ID] = len(trials)
		trials = append(trials, rec)
	}
	return trials
}

// Runs lists the folders of runs below root, oldest first; one that has lost a
// file is among them, so that it is missed by name.
func Runs(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the runs in %s: %w", root, err)
	}
	var dirs []string
	for _, e := range entries {
		dir := filepath.Join(root, e.Name())
		for _, file := range []string{EnvironmentFile, JournalFile} {
			if _, err := os.Stat(filepath.Join(dir, file)); err == nil {
				dirs = append(dirs, dir)
				break
			}
		}
	}
	slices.Sort(dirs)
	return dirs, nil
}

// notARun says what a path is that is no folder of a run.
func notARun(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("looking for a run's folder: %w; stratbench ls lists the runs", err)
	case !info.IsDir():
		return fmt.Errorf("%s is neither a run's folder nor a .csv, .yaml or .yml file of observations", path)
	}
	return fmt.Errorf("%s is no folder of a run: it has no %s; stratbench ls lists the runs", path, EnvironmentFile)
}

// Find returns the folder of the run that name means: a path to a folder, a
// run's name below root, the beginning of one, or "" or "latest" for the
// newest.
func Find(root, name string) (string, error) {
	if _, err := os.Stat(filepath.Join(name, EnvironmentFile)); name != "" && err == nil {
		return name, nil
	}
	if strings.ContainsRune(name, filepath.Separator) {
		return "", notARun(name)
	}
	dirs, err := Runs(root)
	if err != nil {
		return "", err
	}
	named := func(dir string) bool { return strings.HasPrefix(filepath.Base(dir), name) }
	if _, err := os.Stat(name); err == nil && name != "latest" && !slices.ContainsFunc(dirs, named) {
		return "", notARun(name)
	}
	if len(dirs) == 0 {
		return "", fmt.Errorf("no run is recorded in %s; make one with: stratbench run experiments/quick.yaml", root)
	}
	if name == "" || name == "latest" {
		return dirs[len(dirs)-1], nil
	}
	var found []string
	for _, d := range dirs {
		if filepath.Base(d) == name {
			return d, nil
		}
		if strings.HasPrefix(filepath.Base(d), name) {
			found = append(found, d)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("no run named %q is in %s; stratbench ls lists them", name, root)
	default:
		return "", fmt.Errorf("%q means %d runs in %s, such as %s and %s; write more of the name",
			name, len(found), root, filepath.Base(found[0]), filepath.Base(found[1]))
	}
}

// References returns what the reference workload took, in the order in which
// it was done: usually once for each block, and a second time for a block that
// a resumed run went on with. Those that failed are left out. Their times can
// be compared where their settings are the same.
func (r Run) References() []*Record { return r.done(KindReference) }

// Preparations returns what was built and pushed before the trials, in the
// order in which it was done; a resumed run does it again. Those that failed
// are left out.
func (r Run) Preparations() []*Record { return r.done(KindPreparation) }

// done are the records of a kind that ended well.
func (r Run) done(kind Kind) (done []*Record) {
	for i := range r.Records {
		rec := &r.Records[i]
		if rec.Kind == kind && rec.Verdict.Outcome == trial.OK && rec.Elapsed > 0 {
			done = append(done, rec)
		}
	}
	return done
}
