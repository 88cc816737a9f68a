package observations

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

func (f *file) readCSV(text []byte) {
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	reader.TrimLeadingSpace, reader.ReuseRecord = true, true
	header, err := reader.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			f.fault(1, "the file is empty; its first line names the columns, of which outcome is the only required one")
			return
		}
		f.faults = append(f.faults, describeCSV(f.name, err))
		return
	}
	t := table{file: f, header: slices.Clone(header)}
	if t.checkHeader(); len(f.faults) > 0 {
		return
	}
	for len(f.faults) < 20 {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			f.faults = append(f.faults, describeCSV(f.name, err))
			return
		}
		line, _ := reader.FieldPos(0)
		t.addRow(line, row)
	}
	f.placeReferences()
	f.refuseTwice()
	f.doubt(slices.Contains(t.header, "block"))
}

func describeCSV(name string, err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return errors.New(describe("%s:%d: %v", name, parse.Line, parse.Err))
	}
	return err
}

// table is a CSV file while it is read.
type table struct {
	*file
	header []string
	// printed is true for a table as people see it.
	printed bool
	// cells has each cell once: a long table has few.
	cells map[string]trial.Cell
}

func (t *table) checkHeader() {
	for i, name := range t.header {
		t.header[i] = strings.TrimSpace(name)
		if t.header[i] == "" {
			t.fault(1, "column %d has no name", i+1)
		}
		if slices.Contains(t.header[:i], t.header[i]) {
			t.fault(1, "column %q stands there twice", t.header[i])
		}
	}
	t.printed = fromPrinted(t.header)
	for _, name := range t.header {
		if slices.Contains(columns, name) {
			continue
		}
		if meant, near := nearMiss(name, columns, t.header); near {
			t.fault(1, "column %q is nearly %s; call it so if it is that, or else less like it: any other column is a factor", name, meant)
		}
	}
	if len(t.faults) == 0 && !slices.Contains(t.header, "outcome") {
		hint := ""
		if len(t.header) == 1 && strings.ContainsAny(t.header[0], ";\t|") {
			hint = "; columns are separated by commas"
		}
		t.fault(1, "no column is called outcome, there is %s%s", strings.Join(t.header, ", "), hint)
	}
}

func (t *table) addRow(line int, row []string) {
	value := make(map[string]string, len(row))
	for i, name := range t.header {
		if value[name] = strings.TrimSpace(row[i]); t.printed && value[name] == "–" {
			value[name] = ""
		}
	}
	kind := t.kindOf(value)
	cell := t.cellOf(line, value, kind != string(results.KindReference) && kind != string(results.KindPreparation))
	if t.printed {
		t.plainFigures(line, value)
	}
	noBlock := value["block"] == ""
	r := t.record(line, cell, value)
	switch kind {
	case "", "trial":
	case "warm-up":
		r.Trial.WarmUp = true
	case "injected-fault":
		r.Fault = &results.Injected{Name: "not recorded", Truth: []trial.Outcome{}}
	case string(results.KindReference), string(results.KindPreparation):
		r.Kind = results.Kind(kind)
	default:
		t.fault(line, "kind is %q, none of trial, warm-up, injected-fault, reference and preparation", kind)
	}
	if noBlock && (r.Kind != results.KindTrial || r.Trial.WarmUp) {
		r.Trial.Block = 0
	}
	t.addTimes(&r, t.times(line, value))
	t.records = append(t.records, r)
}

// kindOf reads what a row is of. Printed tables say it in place of a block.
func (t *table) kindOf(value map[string]string) string {
	kind := value["kind"]
	if _, err := strconv.Atoi(value["block"]); kind == "" && t.printed && err != nil {
		kind, value["block"] = value["block"], ""
	}
	return kind
}

// cellOf is the row's level of each factor; what is no trial may have none.
func (t *table) cellOf(line int, value map[string]string, isTrial bool) trial.Cell {
	var levels []string
	for _, name := range t.header {
		if slices.Contains(columns, name) {
			continue
		}
		if levels = append(levels, value[name]); value[name] == "" && isTrial {
			t.fault(line, "%s has no level", name)
		}
	}
	key := strings.Join(levels, "\x00")
	if c, known := t.cells[key]; known {
		return c
	}
	var c trial.Cell
	for _, name := range t.header {
		if !slices.Contains(columns, name) && value[name] != "" {
			c = append(c, trial.Assignment{Factor: name, Level: value[name]})
		}
	}
	if t.cells == nil {
		t.cells = map[string]trial.Cell{}
	}
	t.cells[key] = c
	return c
}

// plainFigures turns what a printed table shows into what a table of figures
// has: "2 min 53 s" into 173, "engine-crash in build (limit)" into three
// columns.
func (t *table) plainFigures(line int, value map[string]string) {
	for _, name := range []string{"setup_seconds", "elapsed_seconds"} {
		text := value[name]
		d, err := time.ParseDuration(strings.ReplaceAll(strings.Replace(text, "min", "m", 1), " ", ""))
		if err == nil {
			value[name] = strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
		} else if text != "" {
			t.fault(line, "%s is %q, no time such as 31.4 s or 2 min 53 s", name, text)
			value[name] = ""
		}
	}
	var limit bool
	value["outcome"], limit = strings.CutSuffix(value["outcome"], " (limit)")
	value["timed_out"] = strconv.FormatBool(limit)
	value["outcome"], value["phase"], _ = strings.Cut(value["outcome"], " in ")
	if passed, total, ok := strings.Cut(value["tests_passed"], " of "); ok {
		p, errPassed := strconv.Atoi(passed)
		n, errTotal := strconv.Atoi(total)
		if errPassed == nil && errTotal == nil {
			value["tests_passed"], value["tests_failed"] = passed, strconv.Itoa(n-p)
		}
	}
	if b, err := trial.ParseBytes(value["peak_memory_bytes"]); err == nil {
		value["peak_memory_bytes"] = strconv.FormatInt(int64(b), 10)
	}
	if failed := value["outcome"] != string(trial.OK) && value["outcome"] != string(trial.TestFailed); failed {
		value["lost_seconds"] = value["elapsed_seconds"]
	}
}

// placeReferences gives references of a printed table, which says no block of
// them, the block before which they stand.
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

// refuseTwice refuses a trial that stands there twice. One that was not
// measured may be done again: what counts is the last.
func (f *file) refuseTwice() {
	seen := map[string]*results.Record{}
	for i := range f.records {
		r := &f.records[i]
		if r.Trial.ID == "" || r.Kind != results.KindTrial {
			continue
		}
		if first := seen[r.Trial.ID]; first != nil {
			if r.Attempt = first.Attempt + 1; first.Standing() != results.NotMeasured && len(f.faults) < 20 {
				f.fault(r.Imported.Line, "trial %s stands in line %d already; leave one of the two out, or give it a name of its own", r.Trial.ID, first.Imported.Line)
			}
		}
		seen[r.Trial.ID] = r
	}
}
