package run

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/watch"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine/host"
)

// TestWhatEndsATrialDoesNotEndItsCleanup has a fake engine go away and come back without
// answering. The watch gives the trial up, and the command that undoes its set-up still runs
// to its end.
func TestWhatEndsATrialDoesNotEndItsCleanup(t *testing.T) {
	dir := t.TempDir()
	socket, done := filepath.Join(dir, "engine.sock"), filepath.Join(dir, "done")
	held := make(chan struct{}, 10)
	listen := func() net.Listener {
		l, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	serve := func() *http.Server {
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Api-Version", "1.45")
			w.Header().Set("Ostype", "linux")
			if strings.HasSuffix(r.URL.Path, "/events") {
				http.NewResponseController(w).Flush()
				held <- struct{}{}
				<-r.Context().Done()
			}
		})}
		go s.Serve(listen())
		t.Cleanup(func() { s.Close() })
		return s
	}
	engine := runtimes.Endpoint{Runtime: trial.Docker, Address: "unix://" + socket}
	m, err := host.Open(engine)
	if err != nil {
		t.Fatal(err)
	}
	server := serve()
	log, err := openTrialLog(filepath.Join(dir, "log.txt"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	x := &execution{clock: pipeline.NewClock(pipeline.Now()), log: log, r: &runner{report: func(Update) {}}}
	x.watch = watch.Start(watch.Config{Machine: m, Elapsed: x.clock.Elapsed})
	x.watch.PhaseBegan(trial.PhaseCluster)
	<-held
	server.Close()
	select {
	case <-x.watch.Dead():
	case <-time.After(time.Minute):
		t.Fatal("the watch has not seen that the engine is gone")
	}
	x.watch.Stop()
	listen()
	err = x.work(t.Context(), m, job{Config: pipeline.Config{Task: taskCleanup, Endpoint: engine, ClusterName: "c", WorkDir: filepath.Join(dir, "work"),
		Setup: &spec.Setup{Dir: dir, Timeout: spec.Duration(time.Minute), Cleanup: []string{"sh", "-c", "sleep $0 && touch done", strconv.Itoa(int(lastWords.Seconds()) + 1)}}}})
	text, _ := os.ReadFile(filepath.Join(dir, "log.txt"))
	if err != nil || x.workerError != nil || len(x.record.Observed) > 0 {
		t.Errorf("%v, %v, observed %+v\n%s", err, x.workerError, x.record.Observed, text)
	}
	if _, err := os.Stat(done); err != nil {
		t.Errorf("the command has not come to its end: %v\n%s", err, text)
	}
}
