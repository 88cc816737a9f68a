package run

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes"
	"github.com/stratbench/stratbench/outcomes/classify"
	"github.com/stratbench/stratbench/outcomes/postmortem"
	"github.com/stratbench/stratbench/outcomes/watch"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes/machine"
)

const (
	// lastWords is how long a worker may take to notice by itself that its
	// engine or its cluster is gone: what its clients say is evidence.
	lastWords = 3 * time.Second
	// afterglow is how long the watch goes on when a trial has failed: the
	// kernel may tell a client of a death before it tells us.
	afterglow = 300 * time.Millisecond
)

// startWatch begins to watch the trial from outside.
func (x *execution) startWatch(m machine.Machine, cfg pipeline.Config) {
	x.watch = watch.Start(watch.Config{
		Machine: m, Cluster: cfg.ClusterName, Elapsed: x.clock.Elapsed, Limits: cfg.Limits, Silence: cfg.Silence,
		Seen: func(f watch.Finding) {
			text := "! " + string(f.Kind)
			if f.Subject != "" {
				text += ": " + f.Subject
			}
			x.log.line(f.At, "watch", text+": "+f.Text)
		},
	})
}

// hear tells the watch what a worker's event means for it.
func (x *execution) hear(e pipeline.Event) {
	if e.Kind == pipeline.SpanStart && x.fault != nil {
		x.fault.SpanBegan(*e.Span)
	}
	switch {
	case e.Kind == pipeline.SpanStart && isPhase(e.Span):
		x.watch.PhaseBegan(e.Span.Phase)
	case e.Kind == pipeline.SpanEnd && isPhase(e.Span):
		x.watch.PhaseEnded(e.Span.Phase, e.Span.Error == "")
	default:
		x.watch.Heard()
	}
}

func isPhase(s *trial.Span) bool { return s.Phase != "" && s.Name == string(s.Phase) }

// endWhenDead ends the worker of a trial that the watch has given up.
func (x *execution) endWhenDead(cmd *exec.Cmd, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-x.watch.Dead():
	}
	if x.watch.Verdict().Kind.EndsByItself() {
		select {
		case <-ended:
			return
		case <-time.After(lastWords):
		}
	}
	x.log.line(x.clock.Elapsed(), "watch", "! ending the worker, because of: "+string(x.watch.Verdict().Kind))
	stopWorker(cmd, ended)
}

// conclude collects the evidence and decides how the trial ended.
func (x *execution) conclude(ctx context.Context, m machine.Machine) {
	c := outcomes.Case{Phase: x.trace.Running(), Worker: fmt.Sprint(x.workerError)}
	if ctx.Err() != nil {
		c.Cancelled = context.Cause(ctx)
	}
	if result, ok := x.trace.Result(); ok {
		c.Reported = &outcomes.Reported{Verdict: result.Verdict(), Silent: result.Silent}
	}
	if c.Cancelled == nil && (c.Reported == nil || c.Reported.Verdict.Outcome != trial.OK) {
		time.Sleep(afterglow)
		c.After = postmortem.Look(context.WithoutCancel(ctx), postmortem.Subject{
			Machine: m, Cluster: x.cluster, Began: x.record.Started, Elapsed: x.clock.Elapsed,
			MemoryLimit: x.record.Machine.MemoryLimit, Samples: x.record.Samples,
		})
		x.record.Observed = c.After.Evidence
	}
	c.Ended = x.watch.Verdict()
	c.Findings = x.watch.Stop()
	c.OwnEngine = m.EngineExited() != nil
	c.MemoryFull = x.memoryFull()
	if c.Reported != nil && c.Reported.Verdict.Outcome != trial.OK {
		c.Text = x.readText(c.Reported.Verdict.Phase, c.Reported.Verdict.Error)
	}
	x.record.Verdict = outcomes.Judge(c)
	for i, e := range x.record.Observed {
		if e.At == 0 {
			x.record.Observed[i].At = x.clock.Elapsed()
		}
	}
}

// memoryFull says whether the machine came close to its limit.
func (x *execution) memoryFull() bool {
	limit := x.record.Machine.MemoryLimit
	for _, s := range x.record.Samples {
		if limit > 0 && s.Memory > limit-limit/20 {
			return true
		}
	}
	return false
}

// readText has the log of the phase that failed classified, with the error as
// its last line. A log that cannot be read says nothing.
func (x *execution) readText(phase trial.Phase, last string) classify.Result {
	f, err := os.Open(filepath.Join(x.r.journal.Dir(), x.record.Log))
	if err != nil {
		return classify.Result{}
	}
	defer f.Close()
	var text strings.Builder
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		place, said := splitLogLine(lines.Text())
		// A line of another place keeps its number and says nothing.
		if at, _, _ := strings.Cut(place, "/"); at == string(phase) || place == "worker" {
			text.WriteString(said)
		}
		text.WriteByte('\n')
	}
	text.WriteString(last)
	r, err := classify.Classify(context.Background(), classify.Options{Phase: phase, Runtime: x.settings.Runtime}, strings.NewReader(text.String()))
	if err != nil {
		return classify.Result{}
	}
	return r
}

// splitLogLine takes a line of the trial's log apart: "  12.345s build/api  text".
func splitLogLine(line string) (place, text string) {
	_, rest, _ := strings.Cut(strings.TrimLeft(line, " "), " ")
	place, text, _ = strings.Cut(rest, " ")
	return place, strings.TrimLeft(text, " ")
}
