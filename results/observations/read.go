// Package observations reads what was observed before stratbench, or without it, into records
// that are marked as imported. What was not measured is marked as an estimate; what cannot be
// true is refused, and what contradicts itself is imported with the contradiction pointed out.
package observations

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// Readable is true for the name of a file that Read can read.
func Readable(name string) bool {
	return slices.Contains([]string{".csv", ".yaml", ".yml"}, strings.ToLower(filepath.Ext(name)))
}

// Read reads a file of observations as a run. Every issue of the file is reported, with its line.
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
	if len(f.issues) > 0 {
		return results.Run{}, errors.Join(f.issues...)
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
	issues  []error
	// contradictions, notes and warnings go to results.Import.
	contradictions, notes, warnings []string
	mixedUnits                      results.MixedUnits
	platform                        string
}

func (f *file) issue(line int, format string, args ...any) {
	f.issues = append(f.issues, fmt.Errorf("%s:%d: %s", f.name, line, fmt.Sprintf(format, args...)))
}

func (f *file) contradiction(format string, args ...any) {
	f.contradictions = append(f.contradictions, fmt.Sprintf(format, args...))
}

func (f *file) run(text []byte) results.Run {
	run := results.Run{
		Dir: strings.TrimSuffix(f.name, filepath.Ext(f.name)),
		Import: &results.Import{Schema: results.Schema, Source: f.name, SHA256: fmt.Sprintf("%x", sha256.Sum256(text)),
			Contradictions: append([]string{}, f.contradictions...), Notes: append([]string{}, f.notes...), Warnings: f.warnings, MixedUnits: f.mixedUnits},
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

// refuseNear refuses a column or key that was probably meant for a known name that is not given:
// a slip of a letter or two, another way to write it, or a time in another unit.
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
			f.issue(line, "%s %q is nearly %s; if that is meant, write it so, and otherwise choose a name less like it, because any other %s is a factor", sort, name, k, sort)
			return
		}
	}
}

const (
	// longest is the time, in seconds, beyond which units must be mistaken.
	longest = 7 * 24 * 3600
	// mostCounted bounds tests and blocks, mostBytes memory.
	mostCounted = 1_000_000
	mostBytes   = trial.Bytes(1 << 50)
)

// row is one observation in a file: what stands under each name.
type row struct {
	*file
	line  int
	value map[string]string
}

func (r row) issue(format string, args ...any) { r.file.issue(r.line, format, args...) }

func (r row) seconds(name string) *trial.Seconds {
	text := r.value[name]
	if text == "" {
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
		r.issue("%s is %q, not a number of seconds; leave it empty where it is not known", name, text)
	case v < 0:
		r.issue("%s is %s: a time cannot be negative", name, text)
	case v > longest:
		r.issue("%s is %s seconds, over a week; if it is in another unit, convert it to seconds", name, text)
	case v < 0.5e-9 && name == "setup_seconds":
		r.issue("setup_seconds is 0: nothing is set up in no time; leave it empty where it is not known")
	default:
		s := trial.Seconds(math.Round(v * 1e9))
		return &s
	}
	return nil
}

func whole[T ~int | ~int64](r row, name string, most T) *T {
	text := r.value[name]
	if text == "" {
		return nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < 0 || v > int64(most) {
		r.issue("%s is %q, not a whole number from 0 to %d", name, text, most)
		return nil
	}
	n := T(v)
	return &n
}

func (r row) flag(name string) bool {
	switch strings.ToLower(r.value[name]) {
	case "", "false", "no", "0":
		return false
	case "true", "yes", "1":
		return true
	}
	r.issue("%s is %q; write true or false", name, r.value[name])
	return false
}

// record is the row as a record without times.
func (r row) record(cell trial.Cell) results.Record {
	rec := results.Record{Schema: results.Schema, Kind: results.KindTrial, Attempt: 1, Settings: json.RawMessage("{}"),
		Trial:   trial.Trial{ID: r.value["trial"], Cell: cell},
		Verdict: trial.Verdict{Confidence: 1, Error: r.value["message"], TimedOut: r.flag("timed_out")},
		Spans:   []trial.Span{}, Samples: []trial.Sample{}, Tests: []trial.TestResult{}, Images: []results.Image{},
		Simulated: r.flag("simulated"),
		Imported: &results.Imported{Source: r.name, Line: r.line, Estimate: r.flag("estimate"),
			PeakMemory: whole(r, "peak_memory_bytes", mostBytes)},
	}
	switch kind := results.Kind(r.value["kind"]); kind {
	case "", results.KindTrial:
	case "warm-up":
		rec.Trial.WarmUp = true
	case "injected-fault":
		rec.Fault = &results.Injected{Name: "not recorded", Truth: []trial.Outcome{}}
	case results.KindReference, results.KindPreparation, results.KindCluster, results.KindBuildCache:
		rec.Kind = kind
	default:
		r.issue("kind is %q; write trial, warm-up, injected-fault, reference, preparation, cluster or build-cache", kind)
	}
	if r.value["outcome"] == "" {
		r.issue("outcome is empty; it is the one thing that an observation must have")
	} else if err := rec.Verdict.Outcome.UnmarshalText([]byte(r.value["outcome"])); err != nil {
		r.issue("%v", err)
	}
	if err := rec.Verdict.Phase.UnmarshalText([]byte(r.value["phase"])); err != nil {
		r.issue("%v", err)
	}
	if text := r.value["went_on_after"]; text != "" {
		rec.Crash = &trial.Verdict{Confidence: 1}
		if err := rec.Crash.Outcome.UnmarshalText([]byte(text)); err != nil {
			r.issue("went_on_after: %v", err)
		}
	}
	if b := whole(r, "block", mostCounted); b != nil {
		rec.Trial.Block = *b
	} else if rec.Kind == results.KindTrial && !rec.Trial.WarmUp {
		rec.Trial.Block = 1
	}
	passed, failed, total := whole(r, "tests_passed", mostCounted), whole(r, "tests_failed", mostCounted), whole(r, "tests_total", mostCounted)
	if total == nil && passed != nil && failed != nil {
		all := *passed + *failed
		total = &all
	}
	if passed != nil && total != nil {
		if *passed > *total {
			r.issue("tests_passed is more than tests_total")
		}
		rec.Imported.TestsPassed, rec.Imported.TestsTotal = passed, total
	}
	return rec
}

// addTimes gives a record its times, and refuses those that do not go with its outcome. Recovery
// is what a failure cost after it was noticed, elapsed the whole attempt.
func (r row) addTimes(rec *results.Record) {
	setup, lost, recovery, elapsed := r.seconds("setup_seconds"), r.seconds("lost_seconds"), r.seconds("recovery_seconds"), r.seconds("elapsed_seconds")
	outcome := rec.Verdict.Outcome
	ready := outcome == trial.OK || outcome == trial.TestFailed
	switch {
	case outcome == "" || rec.Imported.Estimate || rec.Kind != results.KindTrial:
	case setup != nil && !ready && (lost == nil || *lost < *setup):
		r.issue("outcome %s with a setup time; leave it empty if the set-up never became ready, and if it failed later, give lost_seconds of at least that time", outcome)
	case lost != nil && ready:
		r.issue("outcome %s has lost_seconds but lost nothing; leave it empty", outcome)
	case recovery != nil && lost == nil:
		r.issue("recovery_seconds without lost_seconds: the whole cost of the failure is not known; give both")
	case lost != nil && elapsed != nil && *elapsed < *lost:
		r.issue("elapsed_seconds is %g, less than lost_seconds (%g), which it includes; correct one of the two", elapsed.Duration().Seconds(), lost.Duration().Seconds())
	}
	if setup != nil {
		rec.Setup, rec.Elapsed = setup, *setup
	}
	if elapsed != nil {
		rec.Elapsed = *elapsed
	}
	if lost == nil {
		return
	}
	switch {
	case recovery != nil:
		rec.Elapsed = *lost + *recovery
	case elapsed == nil:
		rec.Elapsed = *lost
	}
	if rec.Elapsed > *lost {
		rec.Spans = append(rec.Spans, trial.Span{Name: "recovery", Start: *lost, End: rec.Elapsed})
	}
}
