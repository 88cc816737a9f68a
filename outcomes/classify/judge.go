package classify

import (
	"bytes"
	"cmp"
	"math"
	"regexp"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
)

// The order of judgement, in words:
//
//  1. A rule holds if its pattern was seen and its conditions are met. The
//     failure of a phase later than the known one is that of the known one.
//  2. A rule that another one explains away (outranks) does not compete.
//  3. A later success takes statements back. A success of its kind takes back what
//     is often retried; the sentence that the whole job succeeded takes back
//     everything; so does the last word of a tool, if no failure is stated between
//     it and the tidying up. Where what failed is tried again and something then
//     succeeds, only what was said since counts. A builder that goes on behind a
//     step takes back what the step printed. A warning loses a level.
//  4. What was last said long before the final failure loses a level and
//     weight: the pipeline went on after it.
//     What programs in the cluster logged of its API server before a suite sums
//     up its failures is a hint.
//  5. What the command itself states wins over the journal of a node that was
//     added as evidence. Then the highest level wins, then the greatest weight,
//     then the outcome that comes earlier in precedence, then the later line.
//  6. Outcome and phase fit each other: a phase that the caller knows makes the
//     outcome of another phase its own failure; so does one that the log shows to
//     have begun, if the rule is of other phases. A builder that gave up shows its
//     phase if nothing else does.
//  7. Exit code 0 is a success whatever the log says; a stated failure only costs
//     confidence. With another exit code and no rule, the phase has failed; so it
//     has in a text of a few lines that shows no success. Warnings and journals
//     alone state no failure. Nor does, if the exit code is not known, a complaint
//     behind which the log goes on with plain statements to its end.

// precedence breaks ties: what is named first causes what is named later.
var precedence = []trial.Outcome{
	trial.EngineCrash, trial.EngineHang, trial.BuildOOM, trial.HostExhausted, trial.Storage, trial.PullFailed,
	trial.ClusterCreateFailed, trial.ClusterHang, trial.BuildFailed, trial.LoadFailed, trial.DeployFailed,
	trial.TestFailed, trial.SetupFailed, trial.Cancelled,
}

// staleLines is how many lines before the last failure a statement must lie
// to be doubted.
const staleLines = 2000

// candidate is a rule that holds, with what it concludes in this log.
type candidate struct {
	r           *Rule
	voice       voice
	level       Level
	weight      float64
	outcome     trial.Outcome
	cause       trial.Cause
	phase       trial.Phase
	first, last place
}

type judgement struct {
	*scanner
	opts  Options
	phase trial.Phase // known, or shown by a marker
	since int         // the line of that marker
	over  bool        // that marker shows that the phase ended well
	guess trial.Phase // from the words of an excerpt, where phase is not known
	again int         // the last line in which what failed is tried again
	asked int         // the last line that asks for logs, or tidies up
	sums  int         // the last line in which a suite sums up that it failed
	broke int         // the last line in which a builder says that a build failed
}

func judge(opts Options, s *scanner) Result {
	ended := s.number // lines
	if s.within {
		ended--
	}
	for v := range s.sightings {
		for i := range s.sightings[v] {
			r := &s.rules.rules[i]
			s.sightings[v][i].settle(r)
			if r.Excerpt > 0 && ended >= r.Excerpt {
				s.sightings[v][i] = sighting{}
			}
		}
	}
	j := judgement{scanner: s, opts: opts}
	j.asked = j.lastOf(func(r *Rule) bool { return r.Collects || r.Tidies })
	j.sums = j.lastOf(func(r *Rule) bool { return r.Sums })
	j.broke = j.lastOf(func(r *Rule) bool { return r.Outcome == trial.BuildFailed && r.Level == Wrapper })
	if opts.ExitCode == nil {
		j.again = j.lastOf(func(r *Rule) bool { return r.Restarts })
	}
	j.phase, j.since, j.over = j.lastPhase(false)
	j.phase = cmp.Or(opts.Phase, j.phase)
	switch {
	case j.phase == "" && j.waits == j.final():
		j.phase = j.waitsIn // nothing but complaints that it is not there yet
	case j.phase == "" && j.broke > j.again:
		j.phase = trial.PhaseBuild // a builder gave up, and the log shows nothing else
	}
	j.guess, _, _ = j.lastPhase(true)
	held := j.held()
	live := j.contest(held)
	failed := opts.ExitCode != nil && *opts.ExitCode != 0
	if failed && len(live) == 0 {
		// The last word was one of success, and yet the command failed: not of
		// what a part of a node got over.
		live = j.compete(held, func(h candidate) bool { return h.voice == witness && overcome(h, held) })
	}
	slices.SortStableFunc(live, func(a, b candidate) int { // the winner first
		return cmp.Or(
			cmp.Compare(b.authority(), a.authority()),
			cmp.Compare(b.level, a.level),
			cmp.Compare(b.weight, a.weight),
			cmp.Compare(slices.Index(precedence, a.outcome), slices.Index(precedence, b.outcome)),
			cmp.Compare(b.last.line, a.last.line),
		)
	})
	switch {
	case opts.ExitCode != nil && *opts.ExitCode == 0:
		return j.succeeded(held, live)
	case len(live) > 0 && (failed || !j.goesOn(live) && slices.ContainsFunc(live, j.states)):
		return j.failed(live)
	case failed:
		return j.unexplained(*opts.ExitCode)
	case len(live) == 0 && j.unfinished(held):
		return j.silent()
	}
	return j.succeeded(held, live)
}

// states reports whether a failure is stated, and not only warned of or
// witnessed. What someone cut out of a log is meant to show one.
func (j *judgement) states(h candidate) bool {
	return j.final() < shortLines || h.voice == own && !saysWarning(h.last.text)
}

// goesOn reports whether the log goes on after its last complaint: with plain
// statements, or with a program's ordinary work, of which only a logger
// complained.
func (j *judgement) goesOn(live []candidate) bool {
	if last := lastLine(live); j.opts.ExitCode == nil && j.wentOn(last) && j.asked <= last &&
		!slices.ContainsFunc(live, func(h candidate) bool { return h.r.Failure && h.r.Tail == 0 }) {
		return true
	}
	long := j.final() >= shortLines/2
	if !j.endsRoutinely(1) || !long && !j.endsRoutinely(2) {
		return false
	}
	return !slices.ContainsFunc(live, func(h candidate) bool {
		return h.level > Hint && h.last.line > j.final()-2 || len(h.r.Even) > 0 || !isLogged(h.last.text) || h.voice == witness && !long
	})
}

func lastLine(all []candidate) (line int) {
	for _, h := range all {
		line = max(line, h.last.line)
	}
	return line
}

// authority puts what the command states before evidence, and a mere hint
// behind it.
func (h candidate) authority() int {
	switch {
	case h.voice == witness:
		return 1
	case h.level <= Hint:
		return 0
	}
	return 2
}

// held lists the rules whose patterns were seen and whose conditions are met.
func (j *judgement) held() []candidate {
	var out []candidate
	for i := range j.rules.rules {
		r := &j.rules.rules[i]
		if !j.holds(r) {
			continue
		}
		by, seen := j.sighting(i)
		if r.restsOnNeeds() {
			by, seen = j.sighting(j.rules.index[r.Needs[0]])
		}
		h := candidate{r: r, voice: by, level: r.Level, weight: r.Weight, outcome: r.Outcome, cause: r.Cause,
			phase: r.Phase, first: seen.first, last: seen.last}
		switch { // a rule of certain phases is doubted where the caller does not say which one this is
		case len(r.When.Phase) == 0 || j.opts.Phase != "" || slices.Contains(r.When.Phase, j.phase):
		case j.phase == "":
			h.weight -= 0.1
		default:
			h.weight -= 0.2
		}
		// An exception needs more than the absence of doubt: a phase that it allows.
		if i := slices.IndexFunc(r.Instead, func(e Exception) bool {
			return e.When.met(j.opts) && e.When.allows(j.phase) && j.allSeen(e.Needs)
		}); i >= 0 {
			h.outcome, h.cause = cmp.Or(r.Instead[i].Outcome, h.outcome), cmp.Or(r.Instead[i].Cause, h.cause)
		}
		out = append(out, h)
	}
	return out
}

func (j *judgement) holds(r *Rule) bool {
	_, seen := j.sighting(r.place)
	if r.Level == Ordinary || !r.restsOnNeeds() && seen.count == 0 {
		return false
	}
	if r.Tail > 0 && !r.readsEnding() && seen.last.line <= j.final()-r.Tail {
		return false
	}
	return r.When.met(j.opts) && j.allSeen(r.Needs) && !slices.ContainsFunc(r.Unless, func(name string) bool {
		_, s := j.sighting(j.rules.index[name])
		return s.count > 0 && s.last.line > j.again
	})
}

// lastOf is the last line of the command itself at which such a rule was seen,
// 0 if there is none.
func (j *judgement) lastOf(such func(*Rule) bool) (line int) {
	for i := range j.rules.rules {
		if s := &j.sightings[own][i]; s.count > 0 && such(&j.rules.rules[i]) {
			line = max(line, s.last.line)
		}
	}
	return line
}

// sighting is where a rule was seen: by the command itself, else by a witness.
func (j *judgement) sighting(rule int) (voice, *sighting) {
	if s := &j.sightings[witness][rule]; s.count > 0 && j.sightings[own][rule].count == 0 {
		return witness, s
	}
	return own, &j.sightings[own][rule]
}

func (j *judgement) allSeen(rules []string) bool {
	return !slices.ContainsFunc(rules, func(name string) bool {
		_, s := j.sighting(j.rules.index[name])
		return s.count == 0
	})
}

// contest returns the candidates that compete, with their final levels: none
// that a later success takes back.
func (j *judgement) contest(held []candidate) []candidate {
	live := j.compete(held, func(h candidate) bool { return overcome(h, held) })
	lastWord, recovered, collected := 0, false, j.asked > lastLine(live)
	for _, h := range held {
		if h.voice == own && (h.r.LastWord || h.r.Settles) && !(h.r.readsEnding() && collected) {
			lastWord = max(lastWord, h.last.line)
		}
		recovered = recovered || h.voice == own && h.r.reassures() && h.last.line > j.again
	}
	if recovered {
		live = slices.DeleteFunc(live, func(h candidate) bool { return h.last.line <= j.again })
	}
	tidying := math.MaxInt // the first line after the last word at which tidying up begins
	for _, h := range held {
		for _, line := range []int{h.first.line, h.last.line} {
			if h.r.Tidies && line > lastWord {
				tidying = min(tidying, line)
			}
		}
	}
	if lastWord == 0 || slices.ContainsFunc(live, func(h candidate) bool { return h.counts(lastWord, tidying) }) {
		return live
	}
	return nil
}

// counts reports whether the statement counts after a last word of success: the
// command itself fails, stops, or complains before it tidies up.
func (h candidate) counts(lastWord, tidying int) bool {
	switch {
	case h.voice == witness || h.last.line <= lastWord:
		return false
	case h.last.line > tidying:
		return h.r.Failure && h.r.Tail == 0
	case h.r.Failure || h.r.Tail == 1:
		return true
	}
	return h.level >= Wrapper && !saysWarning(h.last.text) && !isLogged(h.last.text)
}

// compete returns the candidates that nothing explains away, with their final
// levels.
func (j *judgement) compete(held []candidate, takenBack func(candidate) bool) []candidate {
	explained := map[string]bool{}
	end := 0
	for _, h := range held {
		for _, name := range h.r.Outranks {
			explained[name] = true
		}
		if h.level >= Wrapper {
			end = max(end, h.last.line)
		}
	}
	var live []candidate
	for _, h := range held {
		j.place(&h)
		if h.level == Marker || explained[h.r.Name] || takenBack(h) || j.steps.survived(h.last) {
			continue
		}
		if h.level > Hint && saysWarning(h.last.text) {
			h.level--
		}
		if h.r.Outcome == trial.ClusterHang && h.last.line < j.sums && isLogged(h.last.text) && !bytes.Contains(h.last.text, []byte("memcache.go")) {
			h.level = Hint
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
// kind. What a logger wrote is taken back by any success in the end.
func overcome(h candidate, held []candidate) bool {
	warning := saysWarning(h.last.text)
	return slices.ContainsFunc(held, func(m candidate) bool {
		if m.level != Marker || m.last.line <= h.last.line {
			return false
		}
		if h.voice == witness && h.level <= Hint && m.voice == witness && len(m.r.Clears) > 0 {
			return true
		}
		return m.r.Settles || m.r.Fine && isLogged(h.last.text) && !isLogged(m.last.text) || warning && len(m.r.Clears) > 0 || h.r.Transient && slices.Contains(m.r.Clears, h.outcome)
	})
}

// isLogged reports whether a logger wrote the line: a program that has more to
// say, and not the last word of a command.
func isLogged(line []byte) bool {
	text, _ := content(line)
	if len(text) == 0 {
		return false
	}
	at := bytes.Index(text[:min(len(text), 160)], []byte("level="))
	if level := klogLevel(text); level != 0 {
		return level != 'F' // with a fatal one the program ended
	}
	return at == 0 || at > 0 && isLogHead(text[:at]) || text[0] == '{' && bytes.Contains(text[:min(len(text), 160)], []byte(`"level":`)) ||
		bytes.HasPrefix(text, []byte("[ERROR]")) || bytes.Contains(text[:min(len(text), 60)], []byte("\tERROR\t"))
}

// warning matches the lines that loggers call warnings. An event of Kubernetes with the
// type Warning is not matched: the kubelet reports failures like this.
var warning = regexp.MustCompile(`(?:^|\s)(?:WARN(?:ING)?[\[:\s]|warning: |Warning: |\[WARN(?:ING)?\]|level="?warn|lvl=warn|W\d{4} \d\d:|npm warn|npm WARN)|##\[warning\]|::warning|"level": ?"warn`)

func saysWarning(line []byte) bool { return warning.Match(line) }

// lastPhase returns the phase of the last marker seen, with its line and whether
// the phase ended well with it: of the markers for excerpts, which guess from the
// words, or of all others.
func (j *judgement) lastPhase(excerpts bool) (phase trial.Phase, latest int, over bool) {
	for i := range j.rules.rules {
		r := &j.rules.rules[i]
		_, s := j.sighting(i)
		if r.Level == Marker && r.Phase != "" && r.Excerpt > 0 == excerpts && j.holds(r) && s.last.line >= latest {
			phase, latest, over = r.Phase, s.last.line, r.LastWord
		}
	}
	return phase, latest, over
}

// place fills in the phase, and the outcome of a rule that leaves it to the
// phase. Such a rule decides where things happen only if the log does not. What
// fails behind a workload that became ready is what uses it.
func (j *judgement) place(h *candidate) {
	known := j.opts.Phase != ""
	behind := !known && h.last.line > j.since
	if behind && j.misplaced(h) {
		if h.outcome != trial.BuildFailed || j.phase == trial.PhaseCluster { // what deploys and tests uses the tools of a build
			h.cause = trial.CauseUnknown
		}
		h.outcome = ""
	}
	switch {
	case known:
		h.phase = j.opts.Phase
	case h.outcome == "" && behind && j.over && j.phase == trial.PhaseDeploy:
		h.phase = trial.PhaseTest
	case behind && j.over && h.outcome == trial.ClusterCreateFailed && slices.Equal(h.r.When.Phase, []trial.Phase{trial.PhaseCluster}):
		// The rule has only the phase to go by, and the cluster came up before.
		h.outcome, h.phase = trial.DeployFailed, trial.PhaseDeploy
	case h.outcome == "":
		h.phase = cmp.Or(j.phase, j.guess, h.phase)
	default:
		h.phase = cmp.Or(h.phase, j.phase)
	}
	// The failure of a phase that cannot have begun while the known one went on is that one's.
	order := []trial.Outcome{trial.LoadFailed, trial.DeployFailed, trial.TestFailed}
	if h.outcome == "" || known && slices.Index(order, h.outcome) > slices.Index(order, phaseFailure(j.opts.Phase)) {
		h.outcome = phaseFailure(h.phase)
	}
	switch {
	case h.outcome.In(h.phase):
	case known && h.outcome == trial.BuildOOM:
		h.outcome = trial.HostExhausted // memory that ran out elsewhere was the host's
	case known && h.outcome == trial.ClusterHang:
		h.outcome = phaseFailure(h.phase) // an API server fails no build
	default:
		h.phase = h.outcome.Phase() // the text knows better where it was
	}
}

// misplaced reports whether the rule concludes the failure of another phase than the one
// that the log shows to have begun: its words only seem to fit that phase. Nothing is
// built after a cluster has begun, even if it is complete; a build that has failed deploys
// nothing. Tests may follow a deployment without a line that shows it.
func (j *judgement) misplaced(h *candidate) bool {
	switch {
	case j.phase == "", h.outcome != h.outcome.Phase().Failure(), h.r.When.allows(j.phase):
		return false
	case h.outcome == trial.BuildFailed:
		return true
	case j.phase == trial.PhaseBuild:
		return !j.over && h.last.line <= j.broke
	}
	return !j.over && (j.phase != trial.PhaseDeploy || h.outcome != trial.TestFailed)
}

// phaseFailure is the outcome of a phase that failed by itself. Where the
// phase is unknown the least is claimed: a command failed.
func phaseFailure(p trial.Phase) trial.Outcome { return cmp.Or(p.Failure(), trial.BuildFailed) }
