package detect

import "math"

// suspect is an open suspicion, or one that trials of both sides refuted.
type suspect struct {
	finding  int
	seen     int // night
	refuted  bool
	excluded bool
}

// suspicionLasts is after how many nights without a sign a suspicion is forgotten.
const suspicionLasts = 8

// raise records a change of a series: a suspicion becomes the open one's next sign, a certain
// change takes it over. Trials of both sides refute a suspicion that they do not show, and a
// certain change that they exclude. If the change is sure, the series starts anew.
func (w *watch) raise(t int, f Finding) (sure bool) {
	open, known := w.suspects[f.Series]
	if known && (t-open.seen > suspicionLasts || w.report.Findings[open.finding].Better != f.Better) {
		delete(w.suspects, f.Series)
		known = false
	}
	if known && open.refuted && f.Since <= open.seen && (f.Certainty == Suspected || open.excluded) {
		return false // trials have already answered this
	}
	at := len(w.report.Findings)
	if known && !open.refuted {
		at, f.Raised = open.finding, w.report.Findings[open.finding].Raised
	}
	f.Settled = t
	c, asked := w.decide(t, f)
	switch {
	case asked && c.Confirmed:
		f.Certainty = Confirmed
	case asked && (f.Certainty == Suspected || c.Excluded):
		f.Certainty = Refuted
		w.suspects[f.Series] = suspect{finding: at, seen: t, refuted: true, excluded: c.Excluded}
	case f.Certainty == Suspected:
		f.Settled = None
		w.suspects[f.Series] = suspect{finding: at, seen: t}
	}
	w.record(t, at, f)
	if f.Certainty < Certain {
		return false
	}
	delete(w.suspects, f.Series)
	w.undo(at)
	return true
}

// record puts a finding, in its place among all, on the record of a night.
func (w *watch) record(t, at int, f Finding) {
	if at == len(w.report.Findings) {
		w.report.Findings = append(w.report.Findings, f)
	}
	w.report.Findings[at] = f
	night := &w.report.Nights[t]
	night.Findings = append(night.Findings, at)
}

// undo marks the earlier changes of the series, of the other direction, that
// finding at takes back to within the threshold.
func (w *watch) undo(at int) {
	f := w.report.Findings[at]
	for i := range at {
		g := &w.report.Findings[i]
		if g.Series != f.Series || g.Better == f.Better || g.Certainty < Certain {
			continue
		}
		from, to := g.Before, f.After
		if f.Better {
			from, to = to, from
		}
		if g.Kind == Rate {
			g.Undone = g.Undone || from-to <= RateThreshold
		} else {
			g.Undone = g.Undone || math.Log(from/to) <= w.threshold
		}
	}
}
