package observations

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
)

// columns are those that are no factors.
var columns = []string{"block", "outcome", "phase", "setup_seconds", "lost_seconds", "recovery_seconds",
	"tests_passed", "tests_failed", "estimate", "simulated", "message"}

func (f *file) readCSV(text []byte) {
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	reader.TrimLeadingSpace = true
	header, err := reader.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			f.fault(1, "the file is empty; its first line names the columns, of which outcome is the only required one")
			return
		}
		f.faults = append(f.faults, describeCSV(f.name, err))
		return
	}
	if f.checkHeader(header); len(f.faults) > 0 {
		return
	}
	for len(f.faults) < 20 {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		line, _ := reader.FieldPos(0)
		if err != nil {
			f.faults = append(f.faults, describeCSV(f.name, err))
			return
		}
		f.addRow(line, header, row)
	}
}

func describeCSV(name string, err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return errors.New(describe("%s:%d: %v", name, parse.Line, parse.Err))
	}
	return err
}

func (f *file) checkHeader(header []string) {
	for i, name := range header {
		header[i] = strings.TrimSpace(name)
		if header[i] == "" {
			f.fault(1, "column %d has no name", i+1)
		}
		if slices.Contains(header[:i], header[i]) {
			f.fault(1, "column %q stands there twice", header[i])
		}
	}
	if !slices.Contains(header, "outcome") {
		hint := ""
		if len(header) == 1 && strings.ContainsAny(header[0], ";\t|") {
			hint = "; columns are separated by commas"
		}
		f.fault(1, "no column is called outcome, there is %s%s", strings.Join(header, ", "), hint)
	}
}

func (f *file) addRow(line int, header, row []string) {
	o := observation{line: line, settings: map[string]any{}}
	value := map[string]string{}
	for i, name := range header {
		value[name] = strings.TrimSpace(row[i])
		if slices.Contains(columns, name) {
			continue
		}
		if value[name] == "" {
			f.fault(line, "%s has no level", name)
		}
		o.cell = append(o.cell, trial.Assignment{Factor: name, Level: value[name]})
	}
	f.named(line, &o, value["outcome"], value["phase"])
	o.setup = f.time(line, "setup_seconds", value["setup_seconds"])
	o.lost = f.time(line, "lost_seconds", value["lost_seconds"])
	o.recovery = f.time(line, "recovery_seconds", value["recovery_seconds"])
	o.testsPassed = f.whole(line, "tests_passed", value["tests_passed"])
	o.testsFailed = f.whole(line, "tests_failed", value["tests_failed"])
	o.estimate = f.flag(line, "estimate", value["estimate"])
	o.simulated = f.flag(line, "simulated", value["simulated"])
	o.message = value["message"]
	o.block = 1
	if b := f.whole(line, "block", value["block"]); b != nil {
		o.block = *b
	}
	f.agree(o)
	f.observations = append(f.observations, o)
}
