package run

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
)

func moment(seconds float64) trial.Seconds { return trial.Seconds(seconds * float64(time.Second)) }

// TestLogAndWhatIsNotedOfIt writes a trial's log and reads it again: silences
// lie within phases, and the last thing said is a phase's own.
func TestLogAndWhatIsNotedOfIt(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log.txt")
	log, err := openTrialLog(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	build := trial.Span{Name: "build", Phase: trial.PhaseBuild, Start: moment(40), End: moment(110)}
	say := func(at float64, source pipeline.Source, text string) {
		log.event(pipeline.Event{Kind: pipeline.Log, At: moment(at), Phase: trial.PhaseBuild, Image: "api", Source: source, Text: text})
	}
	log.line(moment(1), "runner", "> machine")
	log.event(pipeline.Event{Kind: pipeline.SpanStart, At: moment(40), Span: &build})
	say(41, pipeline.Said, "STEP 1/2: FROM x\nsecond line of it")
	say(60, pipeline.Evidence, "read elsewhere")
	log.line(moment(70), "watch", "! engine does not answer")
	say(81, pipeline.Said, "STEP 2/2: RUN make")
	build.Error = "it broke"
	log.event(pipeline.Event{Kind: pipeline.SpanEnd, At: moment(85), Span: &build})
	want := []trial.Silence{{Phase: trial.PhaseBuild, Start: moment(41), End: moment(81)}, {Phase: trial.PhaseBuild, Start: moment(85), End: moment(110)}}
	if got := log.silent([]trial.Span{build, {Name: "teardown", Start: moment(110), End: moment(300)}}); !slices.Equal(got, want) {
		t.Errorf("silent %+v, want %+v", got, want)
	}
	last := log.last()
	if len(last) != 1 || last[0].Text != "STEP 2/2: RUN make" || last[0].Line != 7 || last[0].At != moment(81) {
		t.Errorf("the last thing said is %+v", last)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := map[int]logLine{}
	for number, l := range logLines(f) {
		lines[number] = l
	}
	for number, l := range map[int]logLine{
		1: {moment(1), "runner", "", "", "> machine"},
		3: {moment(41), "", trial.PhaseBuild, "api", "STEP 1/2: FROM x"},
		4: {moment(41), "", "", "", "second line of it"},
		5: {moment(60), "evidence", trial.PhaseBuild, "api", "read elsewhere"},
		8: {moment(85), "", trial.PhaseBuild, "", "< build: it broke"},
	} {
		if lines[number] != l {
			t.Errorf("line %d is %+v, want %+v", number, lines[number], l)
		}
	}
}

// FuzzLogLines: whatever a log holds, it can be read, and a line that is none of
// ours does not turn back time.
func FuzzLogLines(f *testing.F) {
	f.Add("     1.500s build/api          STEP 1/2: FROM x\n")
	f.Add("9999999999999999999h s x\n")
	f.Add("-5s  \x00\xff\n1.5s\n s s\n")
	f.Fuzz(func(t *testing.T, text string) {
		read := 0
		for range logLines(strings.NewReader(text)) {
			read++
		}
		if read > strings.Count(text, "\n")+1 {
			t.Errorf("%d lines of %d", read, strings.Count(text, "\n")+1)
		}
	})
}
