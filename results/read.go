package results

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/stratbench/stratbench/internal/trial"
)

// Fault is a line of a journal that is no record. It is reported and skipped;
// the rest of the journal is used.
type Fault struct {
	File    string
	Line    int
	Message string
}

func (f Fault) String() string { return f.Place() + ": " + f.Message }

// Place is the file and the line, or the file alone if all of it is faulty.
func (f Fault) Place() string {
	if f.Line == 0 {
		return f.File
	}
	return fmt.Sprintf("%s:%d", f.File, f.Line)
}

// Read reads a journal, which faults call name. The error is a failure to read,
// never a fault of a line.
func Read(name string, r io.Reader) (records []Record, faults []Fault, err error) {
	lines := bufio.NewReaderSize(r, 1<<14)
	for first := 1; ; first += linesAtOnce {
		batch, err := readLines(lines)
		read, wrong := parseLines(name, first, batch)
		if faults = append(faults, wrong...); first == 1 {
			records = read
		} else {
			records = append(records, read...)
		}
		if errors.Is(err, io.EOF) {
			return records, faults, nil
		}
		if err != nil {
			return records, faults, fmt.Errorf("reading %s: %w", name, err)
		}
	}
}

// linesAtOnce are read, then decoded in parallel, so that the text of a long
// journal is never held as a whole.
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
					messages[i] = parsed[i].parse(text, bytes.HasSuffix(lines[i], []byte("\n")))
				}
			}
		})
	}
	group.Wait()
	records = parsed[:0]
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

// parse reads a line, and returns why it is no record that can be used.
func (r *Record) parse(line []byte, ended bool) (fault string) {
	if err := json.Unmarshal(line, r); err != nil || r.Schema != Schema {
		return whatIsWrong(line, ended)
	}
	if r.Trial.ID == "" || r.Verdict.Outcome == "" {
		return "the record has no trial or no outcome"
	}
	return r.impossible()
}

// impossible names a time of the record that cannot be.
func (r *Record) impossible() string {
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

// whatIsWrong is the reason why a line is no record.
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
