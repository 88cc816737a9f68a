package history

import (
	"cmp"
	"slices"
	"strconv"
	"time"
	"unique"
)

// clockSlack is how far a line may be dated ahead of this host's clock.
const clockSlack = 10 * time.Minute

// admit joins the lines of files: every line goes to the run that it names,
// wherever it stands.
func (h *History) admit(contents []content) {
	for _, c := range contents {
		h.Faults = append(h.Faults, c.faults...)
		for _, header := range c.headers {
			h.admitHeader(header)
		}
	}
	touched := map[*Run]bool{}
	for _, c := range contents {
		for _, s := range c.settings {
			h.admitSettings(s)
		}
		for i, t := range c.trials {
			t.early = i > 0 && c.trials[i-1].Run == t.Run && t.Started.Before(c.trials[i-1].Started)
			touched[h.admitTrial(t)] = true
		}
		for _, r := range c.references {
			if run := h.claim(r.Run, r.Started, r.at); run != nil {
				run.references = append(run.references, r)
				touched[run] = true
			}
		}
		for _, b := range c.baselines {
			h.admitBaseline(b)
		}
	}
	delete(touched, nil)
	for r := range touched {
		r.settle(h)
	}
	h.sort()
}

func (h *History) refuse(at place, format string, args ...any) {
	h.Faults = append(h.Faults, fault(at, format, args...))
}

func (h *History) admitHeader(p placed[Header]) {
	header := p.value
	switch known := h.byKey[header.Run]; {
	case known != nil:
		h.refuse(p.at, "%s", doubled(known.at, p.at))
	case h.yetToCome(header.Environment.Started):
		h.refuse(p.at, "run %s is dated %s, which is yet to come; nothing of it is used", header.RunID, date(header.Environment.Started))
	default:
		r := &Run{Header: header, Settings: make([]string, len(header.Cells)), settings: make([]place, len(header.Cells)), at: p.at}
		h.byKey[header.Run] = r
		h.Runs = append(h.Runs, r)
	}
}

// claim finds the run of a line; none if the line cannot be used.
func (h *History) claim(run string, started time.Time, at place) *Run {
	r := h.byKey[run]
	switch {
	case r == nil:
		h.refuse(at, "the run %q of this line has no header that can be used in this history", run)
		return nil
	case h.yetToCome(started):
		h.refuse(at, "the record is dated %s, which is yet to come; it is not used", date(started))
		return nil
	}
	return r
}

func (h *History) yetToCome(t time.Time) bool { return t.After(h.now.Add(clockSlack)) }

func date(t time.Time) string { return t.UTC().Format(time.DateTime) }

func doubled(first, second place) string {
	if first.sum == second.sum {
		return "the same line stands in " + first.String()
	}
	return "a different record of the same stands in " + first.String() + "; that one is used"
}

func (h *History) admitSettings(p placed[Settings]) {
	s := p.value
	switch r := h.claim(s.Run, time.Time{}, p.at); {
	case r == nil:
	case s.Cell >= len(r.Settings):
		h.refuse(p.at, "run %s has no cell %d", r.RunID, s.Cell)
	case r.settings[s.Cell].file != nil:
		h.refuse(p.at, "%s", doubled(r.settings[s.Cell], p.at))
	default:
		r.Settings[s.Cell] = unique.Make(string(s.Settings)).Value()
		r.settings[s.Cell] = p.at
	}
}

func (h *History) admitTrial(t *Trial) *Run {
	r := h.claim(t.Run, t.Started, t.at)
	switch {
	case r == nil:
		return nil
	case t.Cell >= len(r.Cells):
		h.refuse(t.at, "run %s has no cell %d", r.RunID, t.Cell)
		return nil
	}
	r.trials = append(r.trials, t)
	return r
}

// share has equal texts stored once: there are very many trials.
func (t *Trial) share() {
	texts := []*string{(*string)(&t.Kind), &t.Run, &t.ID, (*string)(&t.Outcome), &t.Runtime, &t.Engine, &t.NodeImage, &t.Machine}
	for i := range t.Builds {
		texts = append(texts, &t.Builds[i].Image)
	}
	for _, text := range texts {
		*text = unique.Make(*text).Value()
	}
}

// settle puts a run's records in order, each once; of a trial that was done
// again after an interruption the last attempt counts.
func (r *Run) settle(h *History) {
	r.trials = once(h, r.trials, func(t *Trial) (key, place) { return t.key(), t.at }, func(a, b *Trial) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.ID, b.ID), a.Started.Compare(b.Started), cmp.Compare(a.Attempt, b.Attempt))
	})
	r.Trials = make([]*Trial, 0, len(r.trials))
	for i, t := range r.trials {
		if t.early {
			h.refuse(t.at, "the trial began before the one in the line above; it is used in its own place")
			t.early = false
		}
		if i+1 == len(r.trials) || r.trials[i+1].ID != t.ID {
			r.Trials = append(r.Trials, t)
		}
	}
	r.references = once(h, r.references, func(ref *Reference) (key, place) { return ref.key(), ref.at }, func(a, b *Reference) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Attempt, b.Attempt))
	})
	r.References = r.references
}

// once sorts lines and reports those that are there already; of equal ones
// the first that was read is kept.
func once[T any](h *History, lines []T, of func(T) (key, place), order func(a, b T) int) []T {
	slices.SortStableFunc(lines, order)
	var kept []T
	for _, l := range lines {
		k, at := of(l)
		if n := len(kept); n > 0 {
			if before, first := of(kept[n-1]); before == k {
				h.refuse(at, "%s", doubled(first, at))
				continue
			}
		}
		kept = append(kept, l)
	}
	return kept
}

func (p place) String() string { return *p.file + ":" + strconv.Itoa(p.line) }
