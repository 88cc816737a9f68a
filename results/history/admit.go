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
	for _, c := range contents {
		for _, s := range c.settings {
			h.admitSettings(s)
		}
		for i := range c.trials {
			h.admitTrial(&c.trials[i], i > 0 && outOfOrder(c.trials[i-1], c.trials[i]))
		}
		for _, r := range c.references {
			if run := h.claim(r.key(), r.Started, r.at); run != nil {
				run.References = append(run.References, r)
			}
		}
		for _, b := range c.baselines {
			h.admitBaseline(b)
		}
	}
	for _, r := range h.Runs {
		r.settle()
	}
	h.sort()
}

func outOfOrder(before, t Trial) bool {
	return before.Run == t.Run && t.Started.Before(before.Started)
}

func (h *History) refuse(at place, format string, args ...any) {
	h.Faults = append(h.Faults, fault(at, format, args...))
}

func (h *History) admitHeader(p placed[Header]) {
	header := p.value
	if first, ok := h.seen[header.key()]; ok {
		h.refuse(p.at, "%s", doubled(first, p.at))
		return
	}
	if h.yetToCome(header.Environment.Started) {
		h.refuse(p.at, "run %s is dated %s, which is yet to come; nothing of it is used", header.RunID, date(header.Environment.Started))
		return
	}
	r := &Run{Header: header, Settings: make([]string, len(header.Cells))}
	h.seen[header.key()] = p.at
	h.byKey[header.Run] = r
	h.Runs = append(h.Runs, r)
}

// claim finds the run of a line, unless the line is there already or cannot
// be used.
func (h *History) claim(k key, started time.Time, at place) *Run {
	r := h.byKey[k.run]
	if r == nil {
		h.refuse(at, "the run %q of this line has no header that can be used in this history", k.run)
		return nil
	}
	if first, ok := h.seen[k]; ok {
		h.refuse(at, "%s", doubled(first, at))
		return nil
	}
	if h.yetToCome(started) {
		h.refuse(at, "the record is dated %s, which is yet to come; it is not used", date(started))
		return nil
	}
	h.seen[k] = at
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
	switch r := h.claim(s.key(), time.Time{}, p.at); {
	case r == nil:
	case s.Cell >= len(r.Settings):
		h.refuse(p.at, "run %s has no cell %d", r.RunID, s.Cell)
	default:
		r.Settings[s.Cell] = unique.Make(string(s.Settings)).Value()
	}
}

func (h *History) admitTrial(t *Trial, early bool) {
	r := h.claim(t.key(), t.Started, t.at)
	switch {
	case r == nil:
		return
	case t.Cell >= len(r.Cells):
		h.refuse(t.at, "run %s has no cell %d", r.RunID, t.Cell)
		return
	case early:
		h.refuse(t.at, "the trial began before the one in the line above; it is used in its own place")
	}
	t.share()
	r.Trials = append(r.Trials, *t)
}

// share has equal texts stored once: there are very many trials.
func (t *Trial) share() {
	texts := []*string{&t.Run, &t.ID, &t.Engine, &t.NodeImage, &t.Machine}
	for i := range t.Builds {
		texts = append(texts, &t.Builds[i].Image)
	}
	for _, text := range texts {
		*text = unique.Make(*text).Value()
	}
}

// settle puts trials in their order; of one that was done again after an
// interruption, the last attempt counts.
func (r *Run) settle() {
	slices.SortStableFunc(r.Trials, func(a, b Trial) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.ID, b.ID), a.Started.Compare(b.Started))
	})
	var kept []Trial
	for i, t := range r.Trials {
		if i+1 == len(r.Trials) || r.Trials[i+1].ID != t.ID {
			kept = append(kept, t)
		}
	}
	r.Trials = kept
	slices.SortStableFunc(r.References, func(a, b Reference) int { return a.Started.Compare(b.Started) })
}

func (p place) String() string { return *p.file + ":" + strconv.Itoa(p.line) }
