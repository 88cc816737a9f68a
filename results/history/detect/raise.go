package detect

import "math"

// suspect is an open suspicion, or one that trials of both sides refuted.
type suspect struct {
	finding  int
	seen     int // night
	refuted  bool
	excluded bool
}

// answered is true for what trials of both sides have already said no to.
func (s suspect) answered(f Finding) bool {
	return s.refuted && f.Since <= s.seen && (f.Certainty == Suspected || s.excluded)
}

// suspicionLasts is after how many nights without a sign a suspicion is
// forgotten.
const suspicionLasts = 8

// add puts a finding on the record of a night.
func (w *watch) add(t int, f Finding) int {
	w.report.Findings = append(w.report.Findings, f)
	i := len(w.report.Findings) - 1
	w.tell(t, i)
	return i
}

func (w *watch) tell(t, finding int) {
	n := &w.report.Nights[t]
	n.Findings = append(n.Findings, finding)
}

// raise records a change of a series: a suspicion becomes the open one's next
// sign, a certain change takes it over. It reports whether the series starts
// anew, because the change is sure.
func (w *watch) raise(t int, f Finding) (sure bool) {
	open, known := w.suspects[f.Series]
	if known && (t-open.seen > suspicionLasts || w.report.Findings[open.finding].Better != f.Better) {
		delete(w.suspects, f.Series)
		known = false
	}
	f.Settled = None
	if f.Certainty != Suspected {
		f.Settled = t
	}
	if known && open.answered(f) {
		return false
	}
	at := len(w.report.Findings)
	if known && !open.refuted {
		at, f.Raised = open.finding, w.report.Findings[open.finding].Raised
		w.report.Findings[at] = f
		w.tell(t, at)
	} else {
		w.add(t, f)
	}
	if w.ask(t, at); w.report.Findings[at].Certainty < Certain {
		return false
	}
	delete(w.suspects, f.Series)
	w.undo(at)
	return true
}

// ask lets trials of both sides decide, where there were any: a suspicion is
// refuted when they do not show it, a certain change when they exclude it.
func (w *watch) ask(t, at int) {
	f := &w.report.Findings[at]
	c, asked := w.decide(t, *f)
	switch {
	case asked && c.Confirmed:
		f.Certainty, f.Settled = Confirmed, t
	case asked && (f.Certainty == Suspected || c.Excluded):
		f.Certainty, f.Settled = Refuted, t
		w.suspects[f.Series] = suspect{finding: at, seen: t, refuted: true, excluded: c.Excluded}
	case f.Certainty == Suspected:
		w.suspects[f.Series] = suspect{finding: at, seen: t}
	}
}

// undo marks the earlier changes of the series, of the other direction, that
// finding at takes back to within the practical threshold.
func (w *watch) undo(at int) {
	f := &w.report.Findings[at]
	for i := range at {
		g := &w.report.Findings[i]
		if g.Series != f.Series || g.Better == f.Better || g.Certainty < Certain || g.UndoneBy != None || !w.back(*g, *f) {
			continue
		}
		g.UndoneBy = at
		if f.Undoes == None {
			f.Undoes = i
		}
	}
}

func (w *watch) back(change, undoing Finding) bool {
	from, to := change.Before, undoing.After
	if undoing.Better {
		from, to = to, from
	}
	if change.Kind == Rate {
		return from-to <= w.RateThreshold
	}
	return math.Log(from/to) <= w.threshold
}
