package watch

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// wellEngine and illEngine are fakes. The first has no containers, and answers every
// question but that for its events; the second answers none. They serve outside the tests'
// bubbles, whose clocks would stand still while they wait.
var (
	wellEngine = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/events") {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte("[]"))
	}))
	illEngine = httptest.NewServer(http.NotFoundHandler())
)

// quietMachine is a machine that reports nothing by itself: the tests say what the watch
// hears.
type quietMachine struct {
	exited chan struct{}
	engine *httptest.Server
}

func (m quietMachine) Endpoint() runtimes.Endpoint { return m.WatchEndpoint() }
func (m quietMachine) WatchEndpoint() runtimes.Endpoint {
	return runtimes.Endpoint{Address: "tcp://" + m.engine.Listener.Addr().String()}
}
func (m quietMachine) RegistryHost() string          { return "" }
func (m quietMachine) Start(*exec.Cmd) error         { return nil }
func (m quietMachine) Self() string                  { return "" }
func (m quietMachine) Sample() (trial.Sample, error) { return trial.Sample{}, nil }
func (m quietMachine) EngineExited() <-chan struct{} { return m.exited }
func (m quietMachine) Boot(context.Context) string   { return "" }
func (m quietMachine) Exit() trial.Exit {
	return trial.Exit{Cause: trial.CauseSIGKILL, Text: "signal: killed"}
}
func (m quietMachine) Log(int64) ([]byte, error)       { return nil, nil }
func (m quietMachine) Close(ctx context.Context) error { return nil }

// apiSilence is the setting of the tests' watches.
const apiSilence = 45 * time.Second

// watching starts a watch of a build whose silence may last five minutes.
func watching(t *testing.T, engine *httptest.Server) (*Watch, quietMachine, func() time.Duration) {
	t.Helper()
	m := quietMachine{make(chan struct{}), engine}
	began := time.Now()
	elapsed := func() time.Duration { return time.Since(began) }
	w := Start(Config{Machine: m, Elapsed: func() trial.Seconds { return trial.Seconds(elapsed()) },
		Limits: map[trial.Phase]time.Duration{trial.PhaseBuild: 20 * time.Minute}, Silence: map[trial.Phase]time.Duration{trial.PhaseBuild: 5 * time.Minute}, APISilence: apiSilence})
	t.Cleanup(func() { w.Stop() })
	w.PhaseBegan(trial.PhaseBuild)
	return w, m, elapsed
}

// press samples a pressure each second for so long, saying something each time
// if talking is set.
func press(w *Watch, full float64, lasts time.Duration, talking bool) {
	for range lasts / time.Second {
		time.Sleep(time.Second)
		if talking {
			w.Heard()
		}
		w.Sample(trial.Sample{Pressure: trial.Pressure{Known: true, MemoryFull: full}})
	}
}

func dead(w *Watch) bool {
	select {
	case <-w.Dead():
		return true
	default:
		return false
	}
}

func TestADeathIsNoticedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m, elapsed := watching(t, wellEngine)
		time.Sleep(time.Minute)
		close(m.exited)
		<-w.Dead()
		if f := w.Verdict(); f.State != trial.StateEngineEnded || f.Cause != trial.CauseSIGKILL || f.Text != "signal: killed" || f.Phase != trial.PhaseBuild {
			t.Errorf("found %+v", f)
		}
		if late := elapsed() - time.Minute; late > time.Second {
			t.Errorf("noticed after %s", late)
		}
		w.Stop()
	})
}

func TestThrashingIsToldFromASlowBuild(t *testing.T) {
	for name, c := range map[string]struct {
		full    float64
		lasts   time.Duration
		talking bool
		want    bool
	}{
		"silent under pressure":      {72, 40 * time.Second, false, true},
		"talking under pressure":     {72, 10 * time.Minute, true, false},
		"silent without pressure":    {20, 4 * time.Minute, false, false},
		"silent, pressure too short": {72, 25 * time.Second, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, _, _ := watching(t, wellEngine)
				press(w, c.full, c.lasts, c.talking)
				synctest.Wait()
				if got := dead(w); got != c.want {
					t.Errorf("dead = %v, want %v; findings %+v", got, c.want, w.Stop())
				}
				w.Stop()
			})
		})
	}
}

func TestThrashingIsFoundAfterThirtySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, elapsed := watching(t, wellEngine)
		press(w, 5, time.Minute, true)
		press(w, 80, 20*time.Second, false)
		press(w, 10, 2*time.Second, false) // it could breathe: the count begins anew
		from := elapsed()
		go press(w, 80, time.Minute, false)
		<-w.Dead()
		if took := elapsed() - from; took < 29*time.Second || took > 33*time.Second {
			t.Errorf("found after %s, want 30s", took)
		}
		time.Sleep(time.Minute)
		w.Stop()
	})
}

func TestATrialThatDoesNotEndItselfIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, elapsed := watching(t, wellEngine)
		<-w.Dead()
		if f := w.Verdict(); f.State != trial.StateOverdue {
			t.Errorf("found %+v", f)
		}
		if got := elapsed(); got < 5*time.Minute+overdueBy || got > 5*time.Minute+overdueBy+2*tick {
			t.Errorf("found after %s", got)
		}
		w.Stop()
	})
}

func TestAnAPIThatDoesNotAnswerIsAHangOnlyInSilence(t *testing.T) {
	for name, c := range map[string]struct{ talking, want bool }{"silent": {false, true}, "talking": {true, false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, _, elapsed := watching(t, illEngine)
				for range 60 {
					time.Sleep(time.Second)
					if c.talking {
						w.Heard()
					}
				}
				if got := dead(w); got != c.want {
					t.Errorf("dead = %v, want %v", got, c.want)
				}
				if f := w.Verdict(); c.want && (f.State != trial.StateEngineSilent || f.At.Duration() < apiSilence || f.At.Duration() > apiSilence+2*tick) {
					t.Errorf("after %s found %+v", elapsed(), f)
				}
				w.Stop()
			})
		})
	}
}

// TestARestartIsSeenHoweverShort: the engine is back before anybody is
// refused, and yet what it did is lost.
func TestARestartIsSeenHoweverShort(t *testing.T) {
	asked := make(chan struct{}, 10)
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/events") {
			w.Write([]byte("[]"))
			return
		}
		w.WriteHeader(http.StatusOK)
		http.NewResponseController(w).Flush()
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer engine.Close()
	w, _, _ := watching(t, engine)
	<-asked
	engine.CloseClientConnections()
	<-asked // held again
	found := w.Stop()
	if len(found) != 1 || found[0].State != trial.StateConnectionClosed || found[0].Phase != trial.PhaseBuild || dead(w) {
		t.Errorf("found %+v; given up: %v", found, dead(w))
	}
}

func TestABrokenTunnelEndsTheTrial(t *testing.T) {
	broken := make(chan error, 1)
	w := Start(Config{Machine: quietMachine{make(chan struct{}), wellEngine}, Elapsed: func() trial.Seconds { return 0 }, TunnelBroken: broken})
	defer w.Stop()
	w.PhaseBegan(trial.PhaseBuild)
	broken <- errors.New("ssh ended: Connection reset by peer")
	<-w.Dead()
	if f := w.Verdict(); f.State != trial.StateTunnelBroken || f.Phase != trial.PhaseBuild || !strings.Contains(f.Text, "reset by peer") {
		t.Errorf("found %+v", f)
	}
}

func TestAPhasesSilenceLimitShortensPatience(t *testing.T) {
	w := &Watch{config: Config{Silence: map[trial.Phase]time.Duration{trial.PhaseBuild: 20 * time.Second}}, phases: map[trial.Phase]time.Time{}}
	w.PhaseBegan(trial.PhaseBuild)
	if got := w.patience(apiSilence); got != 15*time.Second {
		t.Errorf("patience = %s, want 15s", got)
	}
	w.PhaseEnded(trial.PhaseBuild, true)
	if got := w.patience(apiSilence); got != apiSilence {
		t.Errorf("patience = %s, want %s", got, apiSilence)
	}
}
