package detect

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/stratbench/stratbench/results/stats"
)

// small is a world of few cells, quick to judge.
func small(seed uint64, set change) *course {
	w := usualWorld(5, seed)
	w.Cells, w.Busy, w.change = 4, 0, set
	return w.nights(changedAt + 20)
}

const (
	changedCell    = 2
	changedAt      = 60
	changedSetup   = changedCell * seriesOfCell
	changedBuild   = changedSetup + 1 + buildPhase
	changedCrashes = changedSetup + crashSeries
)

func judgedBy(c *course, restarts ...Restart) Report {
	return Replay(c.Matrix, restarts, nobody, DefaultThreshold)
}

// confirming are trials of both sides of a series in a night, as said.
func confirming(night, series int, said Confirmation) Decide {
	return func(n int, f Finding) (Confirmation, bool) { return said, n == night && f.Series == series }
}

// A night judged again, with later ones on record, says the same.
func TestANightRestsOnThoseBeforeItOnly(t *testing.T) {
	c := small(1, change{cell: changedCell, from: changedAt, setup: 0.2})
	whole := judgedBy(c)
	for n := changedAt - 5; n < changedAt+10; n++ {
		part := c.Matrix
		part.Nights = c.Nights[:n]
		part.Series = make([]Series, len(c.Series))
		for i, s := range c.Series {
			if part.Series[i] = s; s.IsCount() {
				part.Series[i].Bad, part.Series[i].Trials = s.Bad[:n], s.Trials[:n]
			} else {
				part.Series[i].Values = s.Values[:n]
			}
		}
		r := Replay(part, nil, nobody, DefaultThreshold)
		if !reflect.DeepEqual(r.Nights, whole.Nights[:n]) {
			t.Fatalf("%d nights are judged otherwise when %d follow", n, len(c.Nights)-n)
		}
	}
}

// A step of 20 % is one regression of its own cell, at its place, of its size;
// accepted, it is none; taken back, it is undone.
func TestAStepIsFoundAcceptedAndUndone(t *testing.T) {
	set := change{cell: changedCell, from: changedAt, setup: 0.2}
	setup := changedSetup
	r := judgedBy(small(2, set))
	var found []Finding
	for _, f := range r.Findings {
		if f.Open() && f.Series == setup {
			found = append(found, f)
		}
	}
	if len(found) != 1 || found[0].Kind != Step || found[0].Since != changedAt || !found[0].CI.Contains(1.2) {
		t.Errorf("found %+v, not one step of 20 %% at night %d", found, changedAt)
	}
	accepted := judgedBy(small(2, set), Restart{changedAt, None})
	if i := slices.IndexFunc(accepted.Findings, Finding.Open); i >= 0 {
		t.Errorf("what was accepted in its own night is open: %+v", accepted.Findings[i])
	}
	set.until = changedAt + 8
	for _, f := range judgedBy(small(2, set)).Findings {
		if f.Series == setup && f.Open() {
			t.Errorf("%+v is not undone by the nights after it", f)
		}
	}
}

// Trials of both sides make a suspicion a regression, or nothing at all.
func TestASuspicionIsDecidedByTrialsOfBothSides(t *testing.T) {
	for seed := range uint64(40) {
		c := small(seed, change{cell: changedCell, from: changedAt, setup: 0.1})
		for _, f := range judgedBy(c).Findings {
			if f.Certainty != Suspected || f.Better {
				continue
			}
			for confirmed, want := range map[bool]Certainty{true: Confirmed, false: Refuted} {
				r := Replay(c.Matrix, nil, confirming(f.Raised, f.Series, Confirmation{Confirmed: confirmed}), DefaultThreshold)
				for _, g := range r.Findings {
					if g.Series == f.Series && g.Raised == f.Raised && g.Certainty != want {
						t.Errorf("decided %v, and %v", confirmed, g.Certainty)
					}
				}
			}
			return
		}
	}
	t.Fatal("nothing was only suspected in forty histories")
}

// What the nights are certain of stands, whatever trials do not show, unless
// they exclude it; then it is not told again for the same nights.
func TestWhatIsCertainFallsOnlyIfExcluded(t *testing.T) {
	c := small(2, change{cell: changedCell, from: changedAt, setup: 0.2})
	setup := changedSetup
	var certain Finding
	for _, f := range judgedBy(c).Findings {
		if f.Series == setup && f.Certainty == Certain && !f.Better {
			certain = f
		}
	}
	if certain.Settled < changedAt {
		t.Fatalf("nothing certain: %+v", certain)
	}
	for _, c2 := range []struct {
		Confirmation
		want Certainty
	}{
		{Confirmation{}, Certain}, {Confirmation{Confirmed: true}, Confirmed}, {Confirmation{Excluded: true}, Refuted},
	} {
		r := Replay(c.Matrix, nil, confirming(certain.Settled, setup, c2.Confirmation), DefaultThreshold)
		for _, f := range r.Findings {
			if f.Series == setup && f.Settled == certain.Settled && f.Certainty != c2.want {
				t.Errorf("%+v makes it %v, want %v", c2.Confirmation, f.Certainty, c2.want)
			}
			if c2.Excluded && f.Regression() && f.Series == setup && f.Settled <= certain.Settled+suspicionLasts-1 {
				t.Errorf("excluded in night %d and told again in %d", certain.Settled, f.Settled)
			}
		}
	}
}

// The whole host becoming slower is no regression of any cell.
func TestASlowerHostIsNoRegression(t *testing.T) {
	r := judgedBy(small(3, change{cell: None, from: changedAt, host: 0.3}))
	shifted := 0
	for _, n := range r.Nights[changedAt:] {
		shifted += index(n.State == HostShifted)
	}
	if slices.ContainsFunc(r.Findings, Finding.Open) || shifted < hostStays {
		t.Errorf("%d nights of a shifted host, findings %+v", shifted, r.Findings)
	}
}

func TestTooFewNightsAreSaid(t *testing.T) {
	c := small(4, change{cell: None})
	r := judgedBy(c)
	if r.Nights[3].State != Judged || r.Nights[3].Needs < 5 || r.Nights[changedAt].Needs != 0 {
		t.Errorf("needs %d after four nights, %d after %d", r.Nights[3].Needs, r.Nights[changedAt].Needs, changedAt+1)
	}
	for n := 1; n < changedAt; n++ {
		if a, b := r.Nights[n-1].Needs, r.Nights[n].Needs; b > a {
			t.Errorf("needs %d and then %d more nights", a, b)
		}
	}
}

func TestSegmentsOfAStep(t *testing.T) {
	c := small(5, change{cell: changedCell, from: changedAt, setup: 0.3})
	s := Segments(c.Matrix, judgedBy(c), DefaultThreshold)
	if len(s) != len(c.Series) {
		t.Fatal(len(s))
	}
	changes := s[changedSetup].Changes
	if len(changes) != 1 || changes[0].Since != changedAt || !changes[0].CI.Contains(1.3) || !(changes[0].P <= alarm) {
		t.Errorf("changes %+v, not one of 30 %% at night %d", changes, changedAt)
	}
}

func TestNoNights(t *testing.T) {
	if r := Replay(Matrix{}, nil, nobody, DefaultThreshold); len(r.Nights) != 0 || len(r.Findings) != 0 {
		t.Errorf("no nights: %+v", r)
	}
}

// A slow rise is one drift from where it began to where it is, and no stairs.
func TestSegmentsOfADrift(t *testing.T) {
	c := small(6, change{cell: changedCell, from: changedAt - 20, perNight: 0.008})
	s := Segments(c.Matrix, judgedBy(c), DefaultThreshold)
	changes := s[changedSetup].Changes
	if len(changes) != 1 {
		t.Fatalf("changes %+v, not one drift", changes)
	}
	d := changes[0]
	if whole := math.Exp(40 * 0.008); d.Until != len(c.Nights)-1 || d.Since < changedAt-26 || d.Since > changedAt-14 || !d.CI.Contains(whole) || !d.CI.Contains(d.Ratio) {
		t.Errorf("%+v, not a drift by a factor of %.3f from night %d on", d, whole, changedAt-20)
	}
}

// A drift whose interval is from falling to rising is told as a step.
func TestASlopeThatMayBeNoneIsNoDrift(t *testing.T) {
	m := Matrix{Series: []Series{{}}}
	r := Report{}
	for night := range 20 {
		value := 100.0
		if night >= 10 {
			value = 120
		}
		m.Nights, m.Series[0].Values = append(m.Nights, Night{}), append(m.Series[0].Values, []float64{value + float64(night%3)})
		r.Nights, r.Judged = append(r.Nights, Judgement{State: Judged}), append(r.Judged, night)
	}
	drift := Finding{Kind: Drift, Certainty: Certain, Raised: 14, Since: 10, Before: 100, After: 121, Ratio: 1.21, CI: stats.Interval{Lower: 1.1, Upper: 1.3}}
	r.Findings, r.Nights[16].Findings = []Finding{drift}, []int{0}
	sure := Segments(m, r, DefaultThreshold)[0]
	if len(sure.Changes) != 1 || sure.Changes[0].Until != 16 || len(sure.Segments) != 3 || !sure.Segments[1].Drift || sure.Segments[2].Start != 17 {
		t.Errorf("a drift until night 16 is %+v", sure)
	}
	r.Findings[0].CI.Lower = 0.9
	step := Segments(m, r, DefaultThreshold)[0]
	if len(step.Changes) != 1 || step.Changes[0].Until != None || !step.Changes[0].CI.Contains(1.2) || len(step.Segments) != 2 || step.Segments[1].Drift {
		t.Errorf("a slope that may be none is %+v", step)
	}
}

// The printed interval of a change covers its size although the levels on both
// sides drift by 3 % a year and wander with the host: of 40 that cover in 95 %
// more than 7 miss once in a thousand times (binomial).
func TestIntervalsOfChangesCover(t *testing.T) {
	missed, found := 0, 0
	for seed := range uint64(40) {
		w := usualWorld(5, 100+seed)
		w.Cells, w.Busy, w.change = 3, 0, change{cell: changedCell, from: changedAt, setup: 0.15}
		c := w.nights(2 * changedAt)
		s := Segments(c.Matrix, judgedBy(c), DefaultThreshold)
		for _, ch := range s[changedSetup].Changes {
			if ch.Since >= changedAt-2 && ch.Since <= changedAt+2 {
				found++
				missed += index(!ch.CI.Contains(1.15))
			}
		}
	}
	if found < 36 || missed > 7 {
		t.Errorf("of 40 steps %d are found in their place, and %d intervals miss their size", found, missed)
	}
}
