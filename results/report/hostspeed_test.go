package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/simulated"
	"github.com/stratbench/stratbench/results/study"
)

func TestHostSpeedIsALineAndAWarning(t *testing.T) {
	run := simulated.Run(simulated.Matrix()[:2], 3, 1)
	for i, seconds := range []trial.Seconds{2e9, 224e7, 21e8} {
		run.Records = append(run.Records, results.Record{Kind: results.KindReference, Simulated: true, Settings: []byte("{}"),
			Trial: trial.Trial{ID: "r", Block: i + 1}, Elapsed: seconds, Verdict: trial.Verdict{Outcome: trial.OK}})
	}
	s := study.Gather([]results.Run{run})
	var b bytes.Buffer
	if err := report.Full(s, s.Analyse(), nil).Write(&b, report.FormatTable); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"Host speed varied 12 % between 3 measurements before blocks of run simulated",
		"Host speed, run simulated: the reference workload took 2.00 s to 2.24 s, 3 times, a spread of 12 %.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
