package observations

import (
	"bytes"
	"encoding/csv"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// mostIssues of a table are listed.
const mostIssues = 20

func (f *file) readCSV(text []byte) {
	for i, line := range bytes.Split(text, []byte("\n")) {
		if !utf8.Valid(line) {
			f.issue(i+1, "this is not text in UTF-8; save the table as CSV in UTF-8")
			return
		}
	}
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	reader.TrimLeadingSpace, reader.ReuseRecord = true, true
	next := func() (fields []string, ok bool) {
		fields, err := reader.Read()
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			f.issue(parse.Line, "%v", parse.Err)
		}
		return fields, err == nil
	}
	var header []string
	if fields, ok := next(); ok {
		header = f.readHeader(fields)
	} else if len(f.issues) == 0 {
		f.issue(1, "the file is empty; its first line names the columns, of which outcome is the only required one")
	}
	if len(f.issues) > 0 {
		return
	}
	for len(f.issues) < mostIssues {
		fields, ok := next()
		if !ok {
			break
		}
		line, _ := reader.FieldPos(0)
		r := row{f, line, make(map[string]string, len(fields))}
		for i, name := range header {
			r.value[name] = strings.TrimSpace(fields[i])
		}
		rec := r.record(r.cell(header))
		r.addTimes(&rec)
		f.records = append(f.records, rec)
	}
	f.placeReferences()
	f.refuseTwice()
	f.doubt(slices.Contains(header, "block"))
}

// readHeader returns the names of the columns.
func (f *file) readHeader(fields []string) (header []string) {
	for i, name := range fields {
		name = strings.TrimSpace(name)
		if name == "" {
			f.issue(1, "column %d has no name; name it, or remove it", i+1)
		}
		if slices.Contains(header, name) {
			f.issue(1, "column %q is there twice; rename or remove one of the two", name)
		}
		header = append(header, name)
	}
	for _, name := range header {
		f.refuseNear(1, "column", name, append(slices.Clone(columns), "strategy"), header)
	}
	if len(f.issues) == 0 && !slices.Contains(header, "outcome") {
		hint := "; the first line names the columns"
		if len(header) == 1 && strings.ContainsAny(header[0], ";\t|") {
			hint = "; columns are separated by commas"
		}
		f.issue(1, "no column is called outcome; the columns are %s%s", strings.Join(header, ", "), hint)
	}
	return header
}

// cell is the row's level of each factor. Only a trial must have all.
func (r row) cell(header []string) (c trial.Cell) {
	kind := results.Kind(r.value["kind"])
	for _, name := range header {
		if slices.Contains(columns, name) {
			continue
		}
		if level := r.value[name]; level != "" {
			c = append(c, trial.Assignment{Factor: name, Level: level})
		} else if kind != results.KindReference && !kind.Prepares() {
			r.issue("%s has no level; a trial has one of each factor", name)
		}
	}
	return c
}

// placeReferences gives references without a block the block that follows them.
func (f *file) placeReferences() {
	next := 0
	for i := len(f.records) - 1; i >= 0; i-- {
		switch r := &f.records[i]; {
		case r.Kind == results.KindTrial:
			next = r.Trial.Block
		case r.Kind == results.KindReference && r.Trial.Block == 0:
			r.Trial.Block = next
		}
	}
}

// refuseTwice refuses a trial that stands there twice. One that was not measured
// may be done again: the last attempt counts.
func (f *file) refuseTwice() {
	seen := map[string]*results.Record{}
	for i := range f.records {
		r := &f.records[i]
		if r.Trial.ID == "" || r.Kind != results.KindTrial {
			continue
		}
		if first := seen[r.Trial.ID]; first != nil {
			if r.Attempt = first.Attempt + 1; first.Standing() != results.NotMeasured && len(f.issues) < mostIssues {
				f.issue(r.Imported.Line, "trial %s is in line %d already; remove one of the two, or give it a name of its own", r.Trial.ID, first.Imported.Line)
			}
		}
		seen[r.Trial.ID] = r
	}
}
