package run

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/pipeline"
)

// TestWorkersRefuseWhatTheyDoNotKnow gives a worker the jobs of a runner of another version,
// and rubbish. Nothing is run, and no engine is asked for.
func TestWorkersRefuseWhatTheyDoNotKnow(t *testing.T) {
	for sent, want := range map[string]string{
		`{"config":{"task":"dance"}}`: `knows no task "dance"`,
		`{}`:                          `knows no task ""`,
		`{"config":{"task":7}}`:       "reading the worker's job",
		"\x00\x00":                    "reading the worker's job",
		"":                            "reading the worker's job",
	} {
		var out bytes.Buffer
		if err := Work(t.Context(), strings.NewReader(sent), &out); err == nil || !strings.Contains(err.Error(), want) || out.Len() > 0 {
			t.Errorf("%q: %v, %q; want %s", sent, err, out.String(), want)
		}
	}
	for _, known := range []pipeline.Task{pipeline.Trial, pipeline.Publish, pipeline.Preboot, pipeline.Fill, taskCleanup, taskSettle} {
		if err := checkTask(known); err != nil {
			t.Error(err)
		}
	}
}
