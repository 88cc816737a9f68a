package classify

import (
	"cmp"
	"regexp"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
)

// The order of judgement, in words:
//
//  1. A rule holds if its pattern was seen and its conditions are met. The
//     failure of a phase later than the known one is that of the known one.
//  2. A rule that another one explains away (outranks) does not compete.
//  3. What is often retried is taken back by a later success of its kind, and
//     anything by the word that the whole job succeeded. A warning loses a level.
//  4. What was last said long before the final failure loses a level and
//     weight: the pipeline went on after it.
//  5. The highest level wins, then the greatest weight, then the outcome that
//     comes earlier in precedence, then the later line.
//  6. Exit code 0 is a success whatever the log says; it only costs confidence.
//     With another exit code and no rule, the phase has failed; so it has in a
//     text of a few lines that tells of no success.

// precedence breaks ties: what is named first causes what is named later.
var precedence = []trial.Outcome{
	trial.EngineCrash, trial.EngineHang, trial.BuildOOM, trial.HostExhausted, trial.Storage, trial.PullFailed,
	trial.ClusterCreateFailed, trial.ClusterHang, trial.BuildFailed, trial.LoadFailed, trial.DeployFailed,
	trial.TestFailed, trial.Cancelled,
}

// staleLines is how many lines before the last failure a statement must lie
// to be doubted.
const staleLines = 2000

// candidate is a rule that holds, with what it concludes in this log.
type candidate struct {
	rule        int
	r           *Rule
	level       Level
	weight      float64
	outcome     trial.Outcome
	cause       string
	phase       trial.Phase
	first, last place
}

type judgement struct {
	*scanner
	opts  Options
	phase trial.Phase // known, or told by a marker
	guess trial.Phase // from the words of an excerpt, where phase is not known
}

func judge(opts Options, s *scanner) Result {
	for i := range s.sightings {
		r := &s.rules.rules[i]
		s.sightings[i].settle(r)
		if r.Excerpt > 0 && s.lines >= r.Excerpt {
			s.sightings[i] = sighting{}
		}
	}
	j := judgement{scanner: s, opts: opts}
	j.phase = cmp.Or(opts.Phase, j.lastPhase(false))
	j.guess = j.lastPhase(true)
	held := j.held()
	live := j.contest(held)
	slices.SortStableFunc(live, stronger)
	switch {
	case opts.ExitCode != nil && *opts.ExitCode == 0:
		return j.succeeded(held, live)
	case len(live) > 0:
		return j.failed(live)
	case opts.ExitCode != nil:
		return j.unexplained(*opts.ExitCode)
	case j.unfinished(held):
		return j.silent()
	}
	return j.succeeded(held, nil)
}

// stronger orders candidates by what wins, the winner first.
func stronger(a, b candidate) int {
	return cmp.Or(
		cmp.Compare(b.level, a.level),
		cmp.Compare(b.weight, a.weight),
		cmp.Compare(slices.Index(precedence, a.outcome), slices.Index(precedence, b.outcome)),
		cmp.Compare(b.last.line, a.last.line),
	)
}

// held lists the rules whose patterns were seen and whose conditions are met.
func (j *judgement) held() []candidate {
	var out []candidate
	for i := range j.rules.rules {
		r := &j.rules.rules[i]
		if !j.holds(i, r) {
			continue
		}
		seen := j.sightings[i]
		if len(r.Match) == 0 {
			seen = j.sightings[r.needs[0]]
		}
		cand := candidate{rule: i, r: r, level: r.Level, weight: r.Weight - j.doubt(r), outcome: r.Outcome, cause: r.Cause,
			phase: r.Phase, first: seen.first, last: seen.last}
		j.except(&cand)
		out = append(out, cand)
	}
	return out
}

func (j *judgement) holds(i int, r *Rule) bool {
	if len(r.Match) > 0 && !j.seen(i) {
		return false
	}
	if r.Tail > 0 && j.sightings[i].last.line <= j.final-r.Tail {
		return false
	}
	return r.When.met(j.opts) && j.allSeen(r.needs) && !slices.ContainsFunc(r.unless, j.seen)
}

func (j *judgement) seen(i int) bool { return j.sightings[i].count > 0 }

func (j *judgement) allSeen(rules []int) bool {
	return !slices.ContainsFunc(rules, func(i int) bool { return !j.seen(i) })
}

// except applies the first exception of the rule that fits.
func (j *judgement) except(cand *candidate) {
	for _, e := range cand.r.Instead {
		if !e.When.metFor(j.phase, j.opts) || !j.allSeen(e.needs) {
			continue
		}
		cand.outcome = cmp.Or(e.Outcome, cand.outcome)
		cand.cause = cmp.Or(e.Cause, cand.cause)
		return
	}
}

// doubt is what a rule loses that belongs to certain phases where the caller
// does not say which one this is.
func (j *judgement) doubt(r *Rule) float64 {
	switch {
	case len(r.When.Phase) == 0 || j.opts.Phase != "" || slices.Contains(r.When.Phase, j.phase):
		return 0
	case j.phase == "":
		return 0.1
	}
	return 0.2
}

// contest returns the candidates that compete, with their final levels.
func (j *judgement) contest(held []candidate) []candidate {
	explained := map[int]bool{}
	end := 0
	for _, h := range held {
		for _, i := range h.r.outranks {
			explained[i] = true
		}
		if h.level >= Wrapper {
			end = max(end, h.last.line)
		}
	}
	var live []candidate
	for _, h := range held {
		j.place(&h)
		if h.level == Marker || explained[h.rule] || overcome(h, held) {
			continue
		}
		if h.level > Hint && saysWarning(h.last.text) {
			h.level--
		}
		if h.level < Death && h.level > Hint && h.last.line < end-staleLines {
			h.level--
			h.weight -= 0.15
		}
		live = append(live, h)
	}
	return live
}

// overcome reports whether a success followed that takes the statement back:
// of the whole job, or, if it is often retried or only a warning, one of its
// kind.
func overcome(h candidate, held []candidate) bool {
	warning := saysWarning(h.last.text)
	return slices.ContainsFunc(held, func(m candidate) bool {
		if m.level != Marker || m.last.line <= h.last.line {
			return false
		}
		return m.r.Settles || warning && len(m.r.Clears) > 0 || h.r.Transient && slices.Contains(m.r.Clears, h.outcome)
	})
}

// warning is how loggers call a line one. An event of Kubernetes with the type
// Warning is none: so the kubelet reports failures.
var warning = regexp.MustCompile(`(?:^|\s)(?:WARN(?:ING)?[\[:]|\[WARN(?:ING)?\]|level=warn|W\d{4} \d\d:)`)

func saysWarning(line []byte) bool { return warning.Match(line) }
