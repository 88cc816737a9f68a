package classify

import (
	"cmp"
	"math"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
)

const (
	// textAlone bounds the confidence: a log is a witness, not the watch.
	textAlone     = 0.9
	evidenceLimit = 8
)

// wrapperAlone bounds the confidence in what only a wrapper says: that a step
// failed, and nothing of why.
const wrapperAlone = 0.6

// failed names the winner and what speaks for it. The confidence starts from the
// winner's weight: company in the log and a known exit code add to it, another
// outcome on the same level takes away.
func (j *judgement) failed(live []candidate) Result {
	win := live[0]
	c := win.weight
	if slices.ContainsFunc(live[1:], func(o candidate) bool { return o.outcome == win.outcome }) {
		c += 0.05
	}
	if j.opts.ExitCode != nil {
		c += 0.05
	}
	if slices.ContainsFunc(live[1:], func(o candidate) bool { return o.outcome != win.outcome && o.level == win.level }) {
		c -= 0.15
	}
	if win.level <= Wrapper {
		c = min(c, wrapperAlone)
	}
	return Result{Outcome: win.outcome, Cause: win.cause, Phase: win.phase, Confidence: rounded(c), Evidence: evidence(live)}
}

func rounded(c float64) float64 {
	return math.Round(100*max(0.05, min(c, textAlone))) / 100
}

// evidence lists the deciding line, then what agrees, then what does not; of
// a rule seen more than once, the first line too.
func evidence(live []candidate) []Evidence {
	win := live[0]
	disagrees := func(c candidate) int {
		if c.outcome == win.outcome {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(live[1:], func(a, b candidate) int { return disagrees(a) - disagrees(b) })
	out := []Evidence{}
	add := func(c candidate, p place) {
		out = append(out, Evidence{Line: p.line, Text: printable(p.text), Rule: c.r.Name})
	}
	for i, c := range live[:min(evidenceLimit, len(live))] {
		add(c, c.last)
		if i == 0 && c.first.line != c.last.line {
			add(c, c.first)
		}
	}
	return out[:min(evidenceLimit, len(out))]
}

// succeeded concludes ok. The exit code is the best sign of it, a line that shows
// a success the next; silence proves little.
func (j *judgement) succeeded(held, live []candidate) Result {
	r := Result{Outcome: trial.OK, Phase: j.phase, Evidence: []Evidence{}}
	markers := slices.DeleteFunc(slices.Clone(held), func(h candidate) bool { return !h.r.reassures() })
	c := 0.3
	if len(markers) > 0 {
		c = 0.6
		r.Evidence = evidence(markers)
	}
	if j.opts.ExitCode != nil {
		c = 0.9
	}
	if len(live) > 0 && live[0].level >= Wrapper {
		c, r.Contradicted = 0.5, true
		r.Evidence = append(r.Evidence, evidence(live)...)
	}
	r.Confidence = rounded(c)
	return r
}

// hangs are the outcomes of phases that did not end in time; in the others, the
// engine hangs.
var hangs = map[trial.Phase]trial.Outcome{
	trial.PhaseCluster: trial.ClusterHang, trial.PhaseDeploy: trial.ClusterHang, trial.PhaseTest: trial.TestFailed,
}

// unexplained judges an exit code whose log no rule understands.
func (j *judgement) unexplained(code int) Result {
	r := Result{Outcome: phaseFailure(j.phase), Phase: j.phase, Confidence: 0.2, Evidence: []Evidence{}}
	switch code {
	case 124: // timeout(1)
		r.Outcome, r.Cause = cmp.Or(hangs[j.phase], trial.EngineHang), trial.CauseTimeout
	case 130, 143: // SIGINT, SIGTERM
		r.Outcome, r.Cause = trial.Cancelled, trial.CauseSignal
	case 137: // SIGKILL
		r.Cause = trial.CauseSIGKILL
		if j.phase == trial.PhaseBuild || j.phase == "" {
			r.Outcome, r.Cause = trial.BuildOOM, trial.CauseOOM
		}
	}
	return r
}

// shortLines is the length below which a log counts as an excerpt that someone cut out.
const shortLines = 20

// unfinished reports whether the log is a short one, of a known phase, that shows no
// success either: nobody cuts such an excerpt out of a log that went well. A log that ends
// with nothing but source text does not count, except for steps of a build: each is shown
// when it begins.
func (j *judgement) unfinished(held []candidate) bool {
	return j.phase != "" && j.final() > 0 && j.final() < shortLines &&
		slices.ContainsFunc(j.endings, func(e ending) bool {
			text, _ := content(e.text)
			return e.is != echoed || beginMarks.of(text) != ""
		}) &&
		!slices.ContainsFunc(held, func(h candidate) bool { return h.r.reassures() || h.r.Tidies && h.last.line >= j.final()-1 })
}

// beginMarks begin the source text that is shown when it is run: a step of a build, a
// command in the trace of a shell.
var beginMarks = marks{"STEP ", "Step ", "+ ", "++ "}

// silent judges such a log. A build that falls silent waits for its engine;
// elsewhere the phase has failed.
func (j *judgement) silent() Result {
	r := Result{Outcome: phaseFailure(j.phase), Cause: trial.CauseSilence, Phase: j.phase, Confidence: 0.1, Evidence: []Evidence{}}
	if j.phase == trial.PhaseBuild {
		r.Outcome = trial.EngineHang
	}
	return r
}
