package run

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes"
	"github.com/stratbench/stratbench/outcomes/classify"
	"github.com/stratbench/stratbench/outcomes/postmortem"
	"github.com/stratbench/stratbench/outcomes/probe"
	"github.com/stratbench/stratbench/outcomes/watch"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes/machine"
)

const (
	// lastWords is how long a worker may take to notice by itself that its engine or
	// its cluster is gone: the errors of its clients are evidence.
	lastWords = 3 * time.Second
	// afterglow is how long the watch goes on after a trial has failed: a client may
	// notice a death earlier than the watch.
	afterglow = 300 * time.Millisecond
	// leaving is how long an engine that was told to stop may take to end. Docker's
	// address goes at once, and then its containers get up to 15 s.
	leaving = 20 * time.Second
	// nodeFirst is how long after a cluster's node its engine may be lost, if something
	// stops both.
	nodeFirst = 3 * time.Second
)

func (x *execution) startWatch(m machine.Machine, cfg pipeline.Config) {
	x.beside = beside{asLoaded: x.settings.Deploy.When == trial.DeployAsLoaded}
	limits, silence := maps.Clone(cfg.Limits), maps.Clone(cfg.Silence)
	if x.settings.Load.When == trial.LoadAsBuilt {
		waitsForBuilds(limits)
		waitsForBuilds(silence)
	}
	if cfg.Setup != nil {
		limits[""], silence[""] = time.Duration(cfg.Setup.Timeout), time.Duration(cfg.Setup.Silence)
	}
	x.watch = watch.Start(watch.Config{
		Machine: m, Cluster: cfg.ClusterName, TunnelBroken: x.tunnelBroken, Elapsed: x.clock.Elapsed, Limits: limits, Silence: silence,
		APISilence: time.Duration(x.spec.Limits.APISilence),
		Seen: func(f watch.Finding) {
			x.log.line(f.At, "watch", "! "+f.Evidence().Seen()+": "+f.Text)
		},
		Node: func(n probe.Node) { // if a user removes it, its volumes may stay
			if volumes := n.Volumes(); len(volumes) > 0 {
				if err := x.ledger.add(debt{Volumes: volumes}); err != nil {
					x.log.line(x.clock.Elapsed(), "runner", err.Error())
				}
			}
		},
	})
}

// waitsForBuilds extends the limit of a load beside the builds, for the watch: it cannot
// tell the load's own work, which alone the limit counts, from the wait for a build.
func waitsForBuilds(limits map[trial.Phase]time.Duration) {
	if load, build := limits[trial.PhaseLoad], limits[trial.PhaseBuild]; load > 0 && build > 0 {
		limits[trial.PhaseLoad] = load + build
	} else {
		delete(limits, trial.PhaseLoad)
	}
}

// notify passes a worker's event on to the fault and the watch.
func (x *execution) notify(e pipeline.Event) {
	if e.Kind == pipeline.SpanStart && x.fault != nil {
		x.fault.SpanBegan(*e.Span)
	}
	if e.Kind != pipeline.SpanStart && e.Kind != pipeline.SpanEnd || !watched(e.Span) {
		x.watch.Heard()
		return
	}
	starts := e.Kind == pipeline.SpanStart
	if !starts {
		// Nodes that a preparation has stopped are not to be missed.
		x.watch.PhaseEnded(e.Span.Phase, e.Span.Error == "" && x.do != pipeline.Preboot)
	}
	if phase, begins := x.beside.begins(starts, e.Span.Phase); begins {
		x.watch.PhaseBegan(phase)
	}
}

// beside is a deployment beside builds and loads, for which it waits most of the time.
// For the watch it begins when the load has ended: until then, limits and findings are
// those of the other phases.
type beside struct{ asLoaded, loaded, waits bool }

// begins returns the phase that begins for the watch, if one does, when a phase starts or
// ends.
func (b *beside) begins(starts bool, p trial.Phase) (trial.Phase, bool) {
	switch {
	case b.asLoaded && p == trial.PhaseDeploy:
		b.waits = starts && !b.loaded
		return p, starts && b.loaded
	case b.asLoaded && p == trial.PhaseLoad && !starts:
		b.loaded = true
		return trial.PhaseDeploy, b.waits
	}
	return p, starts
}

// watched reports whether the span is watched as a phase: that of a set-up
// command is, as one without a name.
func watched(s *trial.Span) bool {
	return s.IsPhase() || s.Phase == "" && s.Name == trial.SetupSpan
}

// endWhenDead ends the worker of a trial that the watch has given up.
func (x *execution) endWhenDead(cmd *exec.Cmd, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-x.watch.Dead():
	}
	if x.watch.Verdict().EndsByItself() {
		select {
		case <-ended:
			return
		case <-time.After(lastWords):
		}
	}
	e := trial.Evidence{Source: trial.SourceTest, State: trial.StateEndedByWatch, Text: string(x.watch.Verdict().State), At: x.clock.Elapsed(), Rule: trial.RuleWatch}
	x.record.Observed = append(x.record.Observed, e)
	x.log.line(e.At, "watch", "! "+e.Seen()+", because of: "+e.Text)
	stopWorker(cmd, ended)
}

// conclude collects the evidence and decides how the trial ended.
func (x *execution) conclude(ctx context.Context, m machine.Machine) {
	c := outcomes.Case{Phase: x.trace.Running(x.beside.asLoaded), Worker: fmt.Sprint(x.workerError), WorkerEnded: x.workerEnded}
	if ctx.Err() != nil {
		c.Cancelled = context.Cause(ctx)
	}
	result, reported := pipeline.Result{}, x.trace.Result != nil
	if reported {
		result = *x.trace.Result
		c.Reported, c.Silent = new(result.Verdict()), result.Silent
	}
	failed := c.Cancelled == nil && (c.Reported == nil || c.Reported.Outcome != trial.OK)
	if failed {
		time.Sleep(afterglow)
		c.After = postmortem.Look(context.WithoutCancel(ctx), postmortem.Subject{
			Machine: m, Cluster: x.cfg.ClusterName, Began: x.record.Started.Add(x.before.At.Duration()),
			MemoryLimit: x.record.Machine.MemoryLimit, Samples: x.samples(),
		})
		for i := range c.After.Evidence {
			c.After.Evidence[i].At = x.clock.Elapsed()
		}
		c.After.Evidence = append(c.After.Evidence, x.awaitLoss(ctx, m, c.After)...)
		x.record.Observed = slices.Concat(x.record.Observed, c.After.Evidence, x.log.last())
	}
	c.Ended = x.watch.Verdict()
	c.Findings, c.Quiet = x.watch.Stop(), x.watch.Quiet()
	c.OwnEngine, c.Restarted = m.EngineExited() != nil, x.restarted(ctx, m)
	limit := x.record.Machine.Room()
	silent := x.clock.Elapsed() - trial.Seconds(max(x.spec.Limits.Silence[cmp.Or(result.Phase, c.Phase)], time.Minute))
	for _, s := range x.samples() {
		c.Kills = max(c.Kills, s.OOMKills)
		c.MemoryFull = c.MemoryFull || limit > 0 && s.Peak() > limit-limit/20
		if s.At >= silent && s.Pressure.MemoryFull > c.Worst.Pressure.MemoryFull {
			c.Worst = s
		}
	}
	if reported && result.Error != "" {
		text, evidence := x.phaseText(result)
		// A text in memory cannot fail to be read.
		c.Text, _ = classify.Classify(context.Background(), classify.Options{Phase: result.Phase, Runtime: x.settings.Runtime,
			Evidence: func(line int) bool { return evidence[line] }}, strings.NewReader(text))
		if x.record.Machine.Kind == string(machine.Isolated) && x.settings.Machine.Network != spec.NetworkHost {
			c.Confined = outcomes.WantsOut(text)
		}
	}
	if failed {
		x.blameTunnel(ctx, &c)
	}
	x.record.Verdict = outcomes.Judge(c)
}

// awaitLoss gives the watch time to see that a user's engine is lost, after a failure
// that may be a consequence of that: its API does not answer, or the cluster's node was
// killed. If the engine answers again, that is the evidence.
func (x *execution) awaitLoss(ctx context.Context, m machine.Machine, after postmortem.Report) []trial.Evidence {
	away := !after.Saw(trial.SourceEngineAPI, trial.StateAnswers)
	if m.EngineExited() != nil || !away && !slices.ContainsFunc(after.Nodes, probe.Node.Killed) {
		return nil
	}
	until := time.Now().Add(nodeFirst)
	if away {
		until = time.Now().Add(leaving)
	}
	for ctx.Err() == nil && time.Now().Before(until) && !x.watch.Saw(trial.StateEngineEnded, trial.StateTunnelBroken) {
		time.Sleep(afterglow)
		err := ping(ctx, m.WatchEndpoint())
		if away && err == nil {
			return []trial.Evidence{{Source: trial.SourceEngineAPI, State: trial.StateAnswers, Text: "it answers again", At: x.clock.Elapsed(), Rule: trial.RulePostMortem}}
		}
		if !away && err != nil {
			away, until = true, time.Now().Add(leaving)
		}
	}
	return nil
}

// restarted reports whether the engine's virtual machine was restarted since the
// trial began.
func (x *execution) restarted(ctx context.Context, m machine.Machine) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(x.spec.Limits.Describe))
	defer cancel()
	before := x.record.Machine.Boot
	if before == "" {
		return false
	}
	if after := m.Boot(ctx); after != before {
		x.record.Machine.BootAfter = after
	}
	return x.record.Machine.BootAfter != ""
}

// about reports whether a line of the log is about what failed. Lines of sibling
// images are not: they describe how those were stopped.
func (l logLine) about(r pipeline.Result) bool {
	switch {
	case r.Phase == "": // a set-up command outside of known phases
		return l.source != "runner" && l.source != "watch"
	case l.source == "worker":
		return true
	}
	return l.phase == r.Phase && (l.image == "" || r.Image == "" || l.image == r.Image)
}

// phaseText is the log of the phase that failed, with the error as its last line,
// and the numbers of the lines that are evidence. Lines printed after a limit ended
// the phase are ignored: they describe the teardown. The cluster phase is the
// exception: its evidence is collected later and describes the time before.
func (x *execution) phaseText(r pipeline.Result) (text string, evidence map[int]bool) {
	var all strings.Builder
	evidence = map[int]bool{}
	until := x.limitOf(r)
	lines, dropped := x.log.written()
	all.WriteString(strings.Repeat("\n", dropped))
	for i, l := range lines {
		if l.source == string(pipeline.Evidence) {
			evidence[dropped+i+1] = true
		}
		// Other lines are blanked, so that line numbers stay right.
		if l.at < until && l.at >= x.before.At && l.about(r) {
			all.WriteString(l.text)
		}
		all.WriteByte('\n')
	}
	if !r.TimedOut || r.Phase != trial.PhaseBuild {
		all.WriteString(r.Error)
	}
	return all.String(), evidence
}

// limitOf is the moment at which a limit ended the phase, or one that never comes.
func (x *execution) limitOf(r pipeline.Result) trial.Seconds {
	const never = trial.Seconds(1<<63 - 1)
	if !r.TimedOut || r.Phase == trial.PhaseCluster {
		return never
	}
	for _, s := range x.trace.Spans(x.clock.Elapsed()) {
		switch {
		case !watched(&s) || s.Phase != r.Phase:
		case r.Silent:
			// The phase ended soon after the limit on silence, during all of which
			// nothing was printed.
			return s.End - trial.Seconds(x.spec.Limits.Silence[r.Phase]/2)
		default:
			// A phase that was paused ended later than its limit after its start.
			return max(s.Start+trial.Seconds(x.spec.Limits.Phase[r.Phase]), s.End-trial.Seconds(pipeline.Grace))
		}
	}
	return never
}
