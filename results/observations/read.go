// Package observations reads what was observed before stratbench, or without
// it, into records that are marked as imported. What was not measured is
// marked as an estimate; what cannot be true is refused, and what contradicts
// itself is imported with the contradiction pointed out.
package observations

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/stratbench/stratbench/results"
)

// Readable is true for the name of a file that Read can read.
func Readable(name string) bool {
	return slices.Contains([]string{".csv", ".yaml", ".yml"}, strings.ToLower(filepath.Ext(name)))
}

// Read reads a file of observations as a run. Every fault of the file is
// reported, with its line.
func Read(name string) (results.Run, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return results.Run{}, fmt.Errorf("reading observations: %w", err)
	}
	return Parse(filepath.Base(name), text)
}

// Parse reads the text of a file of observations; its format is by the name.
func Parse(name string, text []byte) (results.Run, error) {
	f := file{name: name}
	if strings.EqualFold(filepath.Ext(name), ".csv") {
		f.readCSV(text)
	} else {
		f.readYAML(text)
	}
	if len(f.faults) > 0 {
		return results.Run{}, errors.Join(f.faults...)
	}
	if len(f.records) == 0 {
		return results.Run{}, fmt.Errorf("%s has no observation", name)
	}
	return f.run(text), nil
}

// file is a file of observations while it is read.
type file struct {
	name string
	// records have no position yet, and an ID if the file gives one.
	records []results.Record
	faults  []error
	// contradictions, notes and warnings go to results.Import.
	contradictions, notes, warnings []string
	platform                        string
}

func (f *file) fault(line int, format string, args ...any) {
	f.faults = append(f.faults, fmt.Errorf("%s:%d: %s", f.name, line, fmt.Sprintf(format, args...)))
}

func (f *file) note(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

func (f *file) contradiction(format string, args ...any) {
	f.contradictions = append(f.contradictions, fmt.Sprintf(format, args...))
}

func (f *file) run(text []byte) results.Run {
	sum := sha256.Sum256(text)
	run := results.Run{
		Dir: strings.TrimSuffix(f.name, filepath.Ext(f.name)),
		Import: &results.Import{Schema: results.Schema, Source: f.name, SHA256: hex.EncodeToString(sum[:]),
			Contradictions: append([]string{}, f.contradictions...), Notes: append([]string{}, f.notes...), Warnings: f.warnings},
		Environment: results.Environment{Schema: results.Schema, OS: f.platform},
		Plan:        results.Plan{Schema: results.Schema},
		Records:     f.records,
	}
	replicate, planned := map[string]int{}, map[string]bool{}
	for i := range run.Records {
		r := &run.Records[i]
		r.Trial.Position, r.Trial.ID = i+1, cmp.Or(r.Trial.ID, fmt.Sprintf("o%03d", i+1))
		if r.Kind == results.KindTrial && !r.Imported.Estimate && !planned[r.Trial.ID] {
			key := r.Trial.Cell.Key()
			if replicate[key]++; replicate[key] == 1 {
				run.Plan.Cells = append(run.Plan.Cells, r.Trial.Cell)
			}
			r.Trial.Replicate = replicate[key]
			planned[r.Trial.ID] = true
			run.Plan.Trials = append(run.Plan.Trials, r.Trial)
		}
	}
	return run
}

// columns are those of a table of trials that are no factors, as ls writes them
// in CSV. All but outcome may be missing.
var columns = []string{"trial", "kind", "block", "outcome", "phase", "timed_out", "setup_seconds", "lost_seconds",
	"recovery_seconds", "elapsed_seconds", "tests_passed", "tests_failed", "tests_total", "peak_memory_bytes", "estimate", "simulated", "message", "went_on_after"}

// units are what people write behind the name of a time.
var units = []string{"", "s", "sec", "secs", "ms", "millis", "milliseconds", "min", "mins", "minute", "minutes", "m", "h", "hours", "time", "duration"}

// refuseNear refuses a column or key that is no known name and was probably meant
// for one that is not given: a slip of a letter or two, another way to write it,
// or a time in another unit.
func (f *file) refuseNear(line int, sort, name string, known, given []string) {
	if slices.Contains(known, name) {
		return
	}
	plain := func(s string) string {
		return strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(strings.ToLower(s))
	}
	for _, k := range known {
		slips := 1
		if len(k) > 7 {
			slips = 2
		}
		stem, isTime := strings.CutSuffix(k, "_seconds")
		unit, sameStem := strings.CutPrefix(plain(name), stem)
		if !slices.Contains(given, k) && (len(name) > 3 && levenshtein.Distance(plain(name), plain(k), nil) <= slips || plain(name) == plain(k) ||
			isTime && sameStem && slices.Contains(units, unit)) {
			f.fault(line, "%s %q is nearly %s; call it so if it is that, or else less like it: any other %s is a factor", sort, name, k, sort)
			return
		}
	}
}
