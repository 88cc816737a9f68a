package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/strategies"
)

// The events of a killed worker may end anywhere.
func TestTraceOfAKilledWorker(t *testing.T) {
	var sent []byte
	rec := &recorder{clock: NewClock(0), report: func(e Event) {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		sent = append(append(sent, line...), '\n')
	}}
	rec.start(trial.Span{Name: "cluster", Phase: trial.PhaseCluster}).end(nil)
	rec.start(trial.Span{Name: "build", Phase: trial.PhaseBuild})
	rec.start(trial.Span{Name: "build store", Phase: trial.PhaseBuild, Image: "store"})

	trace := &Trace{}
	for line := range bytes.Lines(sent) {
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		trace.Add(e)
	}
	killed := trial.Seconds(time.Minute)
	spans := trace.Spans(killed)
	if len(spans) != 3 || spans[0].Unfinished || !spans[1].Unfinished || spans[1].End != killed || spans[2].Image != "store" {
		t.Errorf("got %+v", spans)
	}
	if trace.Result != nil || trace.Running(false) != trial.PhaseBuild {
		t.Errorf("ended %v, running %q", trace.Result, trace.Running(false))
	}
}

func TestClocksOfTwoProcessesAgree(t *testing.T) {
	origin := Now()
	time.Sleep(20 * time.Millisecond)
	one, two := NewClock(origin), NewClock(origin)
	a, b := one.Elapsed().Duration(), two.Elapsed().Duration()
	if a < 20*time.Millisecond || b-a < -time.Millisecond || b-a > 5*time.Second {
		t.Errorf("got %v and %v", a, b)
	}
}

func TestVerdicts(t *testing.T) {
	at := func(p trial.Phase) error { return &PhaseError{Phase: p, Err: errors.New("it broke")} }
	limit := &PhaseError{Phase: trial.PhaseDeploy, Err: &LimitError{Phase: trial.PhaseDeploy, Limit: time.Second}}
	silence := &PhaseError{Phase: trial.PhaseCluster, Err: &LimitError{Phase: trial.PhaseCluster, Limit: time.Second, Silence: true}}
	mismatch := &PhaseError{Phase: trial.PhaseCluster, Err: &kindcluster.InvalidError{Err: errors.New("the node n runs in docker")}}
	state := &PhaseError{Phase: trial.PhaseCluster, Err: fmt.Errorf("starting: %w", &kindcluster.InvalidError{Err: errors.New("its node n is running already")})}
	cases := []struct {
		err  error
		pull bool
		told bool
		want trial.Outcome
		out  bool
	}{
		{at(trial.PhaseCluster), false, false, trial.ClusterCreateFailed, false},
		{at(trial.PhaseBuild), false, false, trial.BuildFailed, false},
		{at(trial.PhaseBuild), true, false, trial.PullFailed, false},
		{at(trial.PhaseLoad), true, false, trial.LoadFailed, false},
		{at(trial.PhaseDeploy), false, false, trial.DeployFailed, false},
		{at(trial.PhaseTest), false, false, trial.TestFailed, false},
		{at(trial.PhaseBuild), false, true, trial.Cancelled, false},
		{at(""), false, false, trial.RunnerFault, false},
		{limit, false, false, trial.DeployFailed, true},
		{limit, false, true, trial.DeployFailed, true},
		{silence, false, false, trial.ClusterCreateFailed, true},
		{mismatch, false, false, trial.RunnerFault, false},
		{state, false, false, trial.RunnerFault, false},
	}
	for _, c := range cases {
		var result Result
		result.fail(c.err, Config{Schedule: strategies.Schedule{Pull: c.pull}}, c.told)
		// The runner gets the result as JSON and must come to the same verdict.
		line, err := json.Marshal(result)
		if err != nil {
			t.Fatal(err)
		}
		var travelled Result
		if err := json.Unmarshal(line, &travelled); err != nil {
			t.Fatal(err)
		}
		v := travelled.Verdict()
		if v.Outcome != c.want || v.TimedOut != c.out || v.Error != c.err.Error() {
			t.Errorf("%v: got %+v", c.err, v)
		}
	}
	if v := (Result{}).Verdict(); v.Outcome != trial.OK || v.Evidence != nil {
		t.Errorf("got %+v", v)
	}
}
