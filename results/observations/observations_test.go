package observations_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/observations"
)

func TestOnlyOutcomeIsRequired(t *testing.T) {
	run, err := observations.Parse("seen.csv", []byte("strategy,outcome\nserial,ok\nparallel,engine-crash\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(run.Records) != 2 || run.Records[1].Verdict.Outcome != trial.EngineCrash || run.Records[0].Imported.Line != 2 {
		t.Errorf("records: %+v", run.Records)
	}
}

func TestAbsurdValuesAreRefusedWithTheirLine(t *testing.T) {
	for row, want := range map[string]string{
		"serial,ok,NaN,,":           "not a number",
		"serial,ok,+Inf,,":          "not a number",
		"serial,ok,-3,,":            "negative",
		"serial,ok,0,,":             "no time",
		"serial,ok,1e9,,":           "over a week",
		"serial,ok,fast,,":          "not a number",
		"serial,crashed,,,":         "not a known outcome",
		"serial,,300,,":             "outcome is empty",
		",ok,300,,":                 "no level",
		"serial,engine-crash,300,,": "never became ready",
		"serial,ok,300,20,":         "lost nothing",
		"serial,engine-crash,,,30":  "without lost_seconds",
		"serial,engine-crash,,-1,":  "negative",
	} {
		_, err := observations.Parse("seen.csv", []byte("strategy,outcome,setup_seconds,lost_seconds,recovery_seconds\n"+row+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "seen.csv:2:") {
			t.Errorf("%s: %v, want %q with the line", row, err, want)
		}
	}
}

func TestFaultyFiles(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "the file is empty",
		"strategy\nserial\n":         "no column is called outcome",
		"outcome,outcome\nok,ok\n":   "twice",
		"outcome\n":                  "no observation",
		"strategy,outcome\nserial\n": "wrong number of fields",
	} {
		if _, err := observations.Parse("seen.csv", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

const small = `trials:
  - {strategy: parallel, memory_gb: 12.5, outcome: engine-crash, phase: cluster, started: "19:41:10", terminated: "19:58"}
  - {strategy: serial, memory_gb: 12.5, outcome: ok, tests_passed: 22, tests_total: 25}
comparison_minutes:
  - {strategy: "2+1", setup: [13, 15], test: [7, 12], total: [22, 27], stability: unknown, estimate: true}
  - {strategy: serial, setup: [17, 17], test: [7, 12], total: [24, 29], stability: proven}
workload: {images: [a, b], tests: {total: 25, known_failures: [w, x, y, z]}}
measured_no_cache_2025_12_16: {a: "1:22", b: "2:30", serial: "3:52", parallel: "2:30"}
stated_confidence: {"2+1": 0.65}
phases_serial_minutes: {cluster: 5, build: {a: 2, b: 6.5}, load: 2, deploy: 2, test: [7, 12], setup: 17, total: [24, 29]}
`

func TestEstimatesAndContradictions(t *testing.T) {
	run, err := observations.Parse("seen.yaml", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	crash, serial, estimate := run.Records[0], run.Records[1], run.Records[2]
	if got := crash.Elapsed.Duration().Seconds(); got != 1010 {
		t.Errorf("from 19:41:10 to 19:58 are %v s", got)
	}
	if serial.Setup == nil || serial.Setup.Duration().Minutes() != 17 || serial.Imported.Estimate {
		t.Errorf("serial: %+v", serial.Imported)
	}
	length := map[string]float64{}
	for _, r := range serial.Imported.Stated {
		length[r.Of] = r.High.Duration().Minutes()
	}
	if want := map[string]float64{"setup": 17, "test": 12, "total": 29, "cluster": 5, "build": 8.5, "load": 2, "deploy": 2}; !maps.Equal(length, want) {
		t.Errorf("stated of the serial run: %v, want %v", length, want)
	}
	if notes := strings.Join(run.Import.Notes, " "); !strings.Contains(notes, "a 1:22, b 2:30. They are of no trial") {
		t.Errorf("notes: %s", notes)
	}
	if !estimate.Imported.Estimate || estimate.Setup != nil || *estimate.Imported.Confidence != 0.65 {
		t.Errorf("2+1: %+v", estimate.Imported)
	}
	all := strings.Join(run.Import.Contradictions, "\n")
	for _, want := range []string{"exactly the sum of the 2", "slowest image (b)", "20 to 27 min, stated is a total of 22 to 27",
		"3 failed; 4 failures are named", "never run"} {
		if !strings.Contains(all, want) {
			t.Errorf("no contradiction %q in:\n%s", want, all)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("seen.yaml", []byte(small))
	f.Add("seen.csv", []byte("strategy,outcome,setup_seconds\nserial,ok,300\n"))
	f.Add("seen.yaml", []byte("trials: [{outcome: ok, strategy: {a: b}}]"))
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		run, err := observations.Parse(name, text)
		if err == nil && len(run.Records) == 0 {
			t.Error("neither records nor an error")
		}
	})
}
