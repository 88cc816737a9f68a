package run

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
)

func moment(seconds float64) trial.Seconds { return trial.Seconds(seconds * float64(time.Second)) }

// TestLogAndWhatIsNotedOfIt writes a trial's log: silences lie within phases, and
// the last line noted is a phase's own.
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
	lines, _ := log.written()
	for number, l := range map[int]logLine{
		1: {moment(1), "runner", "", "", "> machine"},
		3: {moment(41), "", trial.PhaseBuild, "api", "STEP 1/2: FROM x"},
		4: {moment(41), "", "", "", "second line of it"},
		5: {moment(60), "evidence", trial.PhaseBuild, "api", "read elsewhere"},
		8: {moment(85), "", trial.PhaseBuild, "", "< build: it broke"},
	} {
		if lines[number-1] != l {
			t.Errorf("line %d is %+v, want %+v", number, lines[number-1], l)
		}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	file := "     1.000s runner             > machine\n" +
		"    40.000s build              > build\n" +
		"    41.000s build/api          STEP 1/2: FROM x\nsecond line of it\n" +
		"    60.000s evidence/build/api read elsewhere\n" +
		"    70.000s watch              ! engine does not answer\n" +
		"    81.000s build/api          STEP 2/2: RUN make\n" +
		"    85.000s build              < build: it broke\n"
	if string(text) != file {
		t.Errorf("the file is\n%s\nwant\n%s", text, file)
	}
}

// Only what the phase that failed printed is read, until its limit, and each line keeps
// its number.
func TestTextOfThePhaseThatFailed(t *testing.T) {
	log, err := openTrialLog(filepath.Join(t.TempDir(), "log.txt"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	x := &execution{log: log, clock: pipeline.NewClock(pipeline.Now()), resolved: resolved{spec: &spec.Spec{Limits: spec.Limits{Phase: map[trial.Phase]time.Duration{trial.PhaseBuild: 3 * time.Second}}}}}
	x.trace.Add(pipeline.Event{Kind: pipeline.SpanStart, SpanID: 1, Span: &trial.Span{Name: "build", Phase: trial.PhaseBuild, Start: moment(0.5)}})
	say := func(at float64, p trial.Phase, image string, source pipeline.Source, text string) {
		log.event(pipeline.Event{Kind: pipeline.Log, At: moment(at), Phase: p, Image: image, Source: source, Text: text})
	}
	log.line(0, "runner", "> machine")
	say(1, trial.PhaseBuild, "api", pipeline.Said, "  STEP 1: RUN make")
	say(1, trial.PhaseBuild, "web", pipeline.Said, "of a sibling")
	say(2, trial.PhaseCluster, "", pipeline.Said, "of another phase")
	say(4, trial.PhaseBuild, "api", pipeline.Evidence, "oom")
	log.line(moment(5), "worker", "panic")
	failed := pipeline.Result{Phase: trial.PhaseBuild, Image: "api", Error: "it broke"}
	text, evidence := x.phaseText(failed)
	if text != "\nSTEP 1: RUN make\n\n\noom\npanic\nit broke" || !evidence[5] || evidence[4] || evidence[6] {
		t.Errorf("got %q, evidence %v", text, evidence)
	}
	failed.TimedOut = true
	if text, _ := x.phaseText(failed); text != "\nSTEP 1: RUN make\n\n\n\n\n" {
		t.Errorf("ended by its limit: got %q", text)
	}
}

// However much a trial prints, only its last lines are kept in memory. They keep their
// numbers, and the file and the silences are whole.
func TestALongLog(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log.txt")
	log, err := openTrialLog(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	log.most = 1000
	for i := range 100 {
		source := pipeline.Said
		if i == 99 {
			source = pipeline.Evidence
		}
		log.event(pipeline.Event{Kind: pipeline.Log, At: moment(float64(20 * i)), Phase: trial.PhaseTest, Source: source, Text: fmt.Sprint("line ", i+1)})
	}
	lines, dropped := log.written()
	if len(lines) > 20 || len(lines) < 5 || dropped+len(lines) != 100 || lines[len(lines)-1].text != "line 100" {
		t.Errorf("%d lines after %d", len(lines), dropped)
	}
	if last := log.last(); len(last) != 1 || last[0].Line != 99 {
		t.Errorf("the last thing said is %+v", last)
	}
	if got := log.silent([]trial.Span{{Phase: trial.PhaseTest, End: moment(1980)}}); len(got) != 99 {
		t.Errorf("%d silences", len(got))
	}
	x := &execution{log: log}
	text, evidence := x.phaseText(pipeline.Result{Phase: trial.PhaseTest, Error: "it broke"})
	if all := strings.Split(text, "\n"); len(all) != 101 || all[0] != "" || all[98] != "line 99" || !evidence[100] || len(evidence) != 1 {
		t.Errorf("%q, evidence %v", text, evidence)
	}
	if file, err := os.ReadFile(name); err != nil || strings.Count(string(file), "\n") != 100 {
		t.Errorf("the file has %d lines, %v", strings.Count(string(file), "\n"), err)
	}
}

// A phase that was paused ended later than its limit after its start, and what it printed
// meanwhile is read.
func TestWhenALimitEndedAPhase(t *testing.T) {
	const never = trial.Seconds(1<<63 - 1)
	load := pipeline.Result{Phase: trial.PhaseLoad, TimedOut: true}
	silent := load
	silent.Silent = true
	for name, c := range map[string]struct {
		result pipeline.Result
		end    float64
		want   trial.Seconds
	}{
		"at its limit":         {load, 40.25, moment(40)},
		"after a pause of 60s": {load, 100.25, moment(97.25)},
		"by silence":           {silent, 30, moment(25)},
		"by no limit":          {pipeline.Result{Phase: trial.PhaseLoad}, 30, never},
		"the cluster":          {pipeline.Result{Phase: trial.PhaseCluster, TimedOut: true}, 30, never},
	} {
		x := &execution{clock: pipeline.NewClock(pipeline.Now()), resolved: resolved{spec: &spec.Spec{Limits: spec.Limits{
			Phase:   spec.PhaseLimits{trial.PhaseLoad: 30 * time.Second},
			Silence: spec.PhaseLimits{trial.PhaseLoad: 10 * time.Second}}}}}
		span := trial.Span{Name: "load", Phase: trial.PhaseLoad, Start: moment(10), End: moment(c.end)}
		x.trace.Add(pipeline.Event{Kind: pipeline.SpanEnd, SpanID: 1, Span: &span})
		if got := x.limitOf(c.result); got != c.want {
			t.Errorf("%s: at %v, want %v", name, got.Duration(), c.want.Duration())
		}
	}
}

// TestSecretsOfVariablesAreHidden has a secret that is in no file.
func TestSecretsOfVariablesAreHidden(t *testing.T) {
	t.Setenv("STRATBENCH_TEST_SECRET", "swordfish\nof two lines")
	w := spec.Workload{Images: []spec.Image{{Name: "a", Secrets: map[string]string{"word": "env:STRATBENCH_TEST_SECRET"}}}}
	hide := secretsOf(resolved{workload: w})
	if got := hide.hide("it is swordfish, of two lines"); got != "it is "+hidden+", "+hidden {
		t.Errorf("got %s", got)
	}
}
