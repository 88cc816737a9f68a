package run

import (
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes"
	"github.com/stratbench/stratbench/outcomes/classify"
	"github.com/stratbench/stratbench/outcomes/postmortem"
	"github.com/stratbench/stratbench/outcomes/probe"
	"github.com/stratbench/stratbench/outcomes/watch"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine/host"
)

// TestAnEngineThatIsLostAfterItsNode has a fake engine of a user's end as Docker does
// when it is told to: the failure of the cluster is seen first.
func TestAnEngineThatIsLostAfterItsNode(t *testing.T) {
	kubeadm := classify.Result{Outcome: trial.ClusterCreateFailed, Cause: "kubeadm", Confidence: 0.85}
	killed := []probe.Node{{State: "exited", Status: "Exited (137) 1 second ago"}}
	for name, c := range map[string]struct {
		// goes is when the engine's address goes after the failure, and back when the engine
		// has ended and is there again; 0 is never.
		goes, back time.Duration
		nodes      []probe.Node
		want       trial.Outcome
		cause      trial.Cause
		waits      bool
	}{
		"gone before the node":      {goes: -1, want: trial.EngineCrash, cause: trial.CauseGone, waits: true},
		"gone after the node":       {goes: time.Second, nodes: killed, want: trial.EngineCrash, cause: trial.CauseGone, waits: true},
		"back before it is missed":  {goes: -1, back: time.Second, want: trial.EngineCrash, cause: trial.CauseRestarted, waits: true},
		"a node that failed":        {nodes: []probe.Node{{State: "exited", Status: "Exited (1) 1 second ago"}}, want: trial.ClusterCreateFailed, cause: "kubeadm"},
		"a node that runs":          {nodes: []probe.Node{{State: "running", Status: "Up 3 seconds"}}, want: trial.ClusterCreateFailed, cause: "kubeadm"},
		"a node that alone is gone": {nodes: killed, want: trial.ClusterCreateFailed, cause: "kubeadm", waits: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			socket := filepath.Join(t.TempDir(), "engine.sock")
			held := make(chan struct{}, 10)
			serve := func() (net.Listener, *http.Server) {
				l, err := net.Listen("unix", socket)
				if err != nil {
					t.Error(err)
				}
				s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if strings.HasSuffix(r.URL.Path, "/events") {
						w.WriteHeader(http.StatusOK)
						http.NewResponseController(w).Flush()
						held <- struct{}{}
						<-r.Context().Done()
					}
				})}
				go s.Serve(l)
				t.Cleanup(func() { s.Close() })
				return l, s
			}
			m, err := host.Open(runtimes.Endpoint{Runtime: trial.Docker, Address: "unix://" + socket})
			if err != nil {
				t.Fatal(err)
			}
			address, engine := serve()
			x := &execution{clock: pipeline.NewClock(0)}
			x.watch = watch.Start(watch.Config{Machine: m, Elapsed: x.clock.Elapsed})
			defer x.watch.Stop()
			x.watch.PhaseBegan(trial.PhaseCluster)
			<-held
			after := postmortem.Report{Nodes: c.nodes, Evidence: []trial.Evidence{{Source: trial.SourceEngineAPI, State: trial.StateAnswers}}}
			if c.goes < 0 {
				address.Close()
				after.Evidence[0].State = trial.StateSilent
			} else if c.goes > 0 {
				time.AfterFunc(c.goes, func() { address.Close() })
			}
			if c.back > 0 {
				time.AfterFunc(c.back, func() { engine.Close(); serve() })
			}
			began := time.Now()
			after.Evidence = append(after.Evidence, x.awaitLoss(t.Context(), m, after)...)
			if waited := time.Since(began); waited > afterglow != c.waits || waited > leaving/2 {
				t.Errorf("waited for %s", waited)
			}
			v := outcomes.Judge(outcomes.Case{Reported: &trial.Verdict{Outcome: trial.ClusterCreateFailed, Phase: trial.PhaseCluster, Error: "it failed"},
				Phase: trial.PhaseCluster, Findings: x.watch.Stop(), After: after, Text: kubeadm})
			if v.Outcome != c.want || v.Cause != c.cause {
				t.Errorf("judged %s (%s), want %s (%s); evidence %+v", v.Outcome, v.Cause, c.want, c.cause, v.Evidence)
			}
			if again := slices.ContainsFunc(after.Evidence[1:], func(e trial.Evidence) bool { return e.State == trial.StateAnswers }); again != (c.back > 0) {
				t.Errorf("seen again: %v", again)
			}
		})
	}
}

// TestARecordWithoutSamplesSaysWhy watches an engine on another host.
func TestARecordWithoutSamplesSaysWhy(t *testing.T) {
	m, err := host.Open(runtimes.Endpoint{Runtime: trial.Docker, Address: "ssh://elsewhere"})
	if err != nil {
		t.Fatal(err)
	}
	x := &execution{clock: pipeline.NewClock(pipeline.Now())}
	x.sample(m)()
	if seen := x.record.Observed; len(seen) != 1 || seen[0].State != trial.StateUnknown || !strings.Contains(seen[0].Text, "ssh://elsewhere") {
		t.Errorf("observed %+v", seen)
	}
}
