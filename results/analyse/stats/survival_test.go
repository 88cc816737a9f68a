package stats

import (
	"errors"
	"math"
	"testing"
)

// group takes the next group off a reference case's arguments.
func group(v []float64) (times []float64, status []int, rest []float64) {
	n := int(v[0])
	for _, s := range v[1+n : 1+2*n] {
		status = append(status, int(s))
	}
	return v[1 : 1+n], status, v[1+2*n:]
}

func events(status []int) (event []bool) {
	for _, s := range status {
		event = append(event, s == 1)
	}
	return event
}

func never(x float64) float64 {
	if math.IsInf(x, 1) {
		return 1e300
	}
	return x
}

func TestSurvivalAgainstR(t *testing.T) {
	checkReferences(t, "survival", 1e-6, map[string]func([]float64) ([]float64, error){
		"kaplan_meier": func(v []float64) ([]float64, error) {
			times, status, _ := group(v)
			s, err := KaplanMeier(times, events(status))
			var a, b, c, d, e []float64
			for _, x := range s {
				a, b, c, d = append(a, x.Time), append(b, float64(x.AtRisk)), append(c, float64(x.Events)), append(d, x.Survival)
				if x.Survival > 0 {
					e = append(e, x.StdErr)
				}
			}
			return append(append(append(append(a, b...), c...), d...), e...), err
		},
		"survival_quantile": func(v []float64) ([]float64, error) {
			times, status, rest := group(v)
			s, err := KaplanMeier(times, events(status))
			if err != nil {
				return nil, err
			}
			q, err := s.Quantile(rest[0], 0.95)
			return []float64{never(q.Time), never(q.CI.Lower), never(q.CI.Upper)}, err
		},
		"survival_interval": func(v []float64) ([]float64, error) {
			times, status, rest := group(v)
			s, err := KaplanMeier(times, events(status))
			if err != nil {
				return nil, err
			}
			return ends(s.Interval(rest[0], 0.95))
		},
		"log_rank": func(v []float64) ([]float64, error) {
			a, sa, v := group(v)
			b, sb, _ := group(v)
			r, err := LogRank(a, events(sa), b, events(sb))
			return []float64{r.ChiSquare, r.P, float64(r.Observed[0]), float64(r.Observed[1]), r.Expected[0], r.Expected[1]}, err
		},
		"rmst": func(v []float64) ([]float64, error) {
			a, sa, v := group(v)
			b, sb, v := group(v)
			r, err := CompareRMST(a, events(sa), b, events(sb), v[0], 0.95)
			return []float64{r.First.Mean, r.First.StdErr, r.Second.Mean, r.Second.StdErr, r.Difference,
				r.DifferenceCI.Lower, r.DifferenceCI.Upper, r.P, r.Ratio, r.RatioCI.Lower, r.RatioCI.Upper}, err
		},
		"incidence":          incidenceCase(func(x IncidenceStep) float64 { return x.Incidence }),
		"incidence_se":       incidenceCase(func(x IncidenceStep) float64 { return x.StdErr }),
		"incidence_gray":     incidenceAt(9, func(x IncidenceStep) float64 { return x.Incidence }),
		"incidence_se_uncut": incidenceAt(0, func(x IncidenceStep) float64 { return x.StdErr }),
	})
}

func incidenceCase(value func(IncidenceStep) float64) func([]float64) ([]float64, error) {
	return func(v []float64) (out []float64, err error) {
		times, cause, rest := group(v)
		curves, err := CumulativeIncidence(times, cause, 3)
		if err != nil {
			return nil, err
		}
		for _, x := range curves[int(rest[0])-1] {
			out = append(out, value(x))
		}
		return out, nil
	}
}

func incidenceAt(t float64, value func(IncidenceStep) float64) func([]float64) ([]float64, error) {
	return func(v []float64) ([]float64, error) {
		times, cause, rest := group(v)
		curves, err := CumulativeIncidence(times, cause, 3)
		if err != nil {
			return nil, err
		}
		at := t
		if len(rest) > 1 {
			at = rest[1]
		}
		return []float64{value(curves[int(rest[0])-1].at(at))}, nil
	}
}

// The figures that survRM2's vignette prints for R's pbc trial, and those of
// doaml.Rout.save in R's survival: the same data as the first cases of
// testdata/survival.R, here against the published digits.
func TestPublishedSurvivalFigures(t *testing.T) {
	r := firstCase(t, "survival", "rmst").Want
	checkClose(t, "pbc", 1e-3, []float64{r[0], r[2], r[8]}, []float64{7.146, 7.283, 0.981})
	checkClose(t, "pbc difference", 5e-3, []float64{r[4], r[5], r[6], r[7]}, []float64{-0.137, -0.939, 0.665, 0.738})

	times, status, _ := group(firstCase(t, "survival", "kaplan_meier").Args)
	s, err := KaplanMeier(times, events(status))
	if err != nil {
		t.Fatal(err)
	}
	checkClose(t, "aml", 1e-3, []float64{s.At(9), s.At(13), s.At(23)}, []float64{0.909, 0.818, 0.614})
	q, _ := s.Quantile(0.5, 0.95)
	if q.Time != 31 || q.CI.Lower != 18 || !math.IsInf(q.CI.Upper, 1) {
		t.Errorf("median %+v, want 31 (18, none)", q)
	}
}

// Without cut-offs and with every crash at +Inf, the restricted mean is the
// mean of min(time, tau).
func TestRestrictedMeanCountsCrashAsTau(t *testing.T) {
	inf := math.Inf(1)
	times := []float64{4, 6, inf, 7, inf}
	m, err := RMST(times, []bool{true, true, false, true, false}, 10, 0.95)
	if err != nil || !near(m.Mean, (4+6+10+7+10)/5.0, 1e-12) {
		t.Errorf("%+v, %v", m, err)
	}
	same := []float64{5, 5}
	c, err := CompareRMST(same, []bool{true, true}, []float64{7, 7}, []bool{true, true}, 10, 0.95)
	if err != nil || c.Difference != -2 || !math.IsNaN(c.P) {
		t.Errorf("no spread, no p-value: %+v, %v", c, err)
	}
	all, err := RMST([]float64{inf, inf}, []bool{false, false}, 10, 0.95)
	if err != nil || all.Mean != 10 || all.StdErr != 0 {
		t.Errorf("all crashed: %+v, %v", all, err)
	}
}

// scipy/stats/tests/test_survival.py: the BU example and the BMJ 2004 glioma
// data of its log-rank tests.
func TestLogRankOfSciPyTests(t *testing.T) {
	a := []float64{8, 12, 26, 14, 21, 27, 8, 32, 20, 40}
	ae := []bool{true, true, true, true, true, true, false, false, false, false}
	b := []float64{33, 28, 41, 48, 48, 25, 37, 48, 25, 43}
	be := []bool{true, true, true, false, false, false, false, false, false, false}
	r, err := LogRank(a, ae, b, be)
	if err != nil {
		t.Fatal(err)
	}
	checkClose(t, "BU", 1e-9, []float64{r.ChiSquare, r.P}, []float64{6.91598157449, 0.008542873404})

	a, ae = died([]float64{6, 13, 21, 30, 37, 38, 49, 50, 63, 79, 86, 98, 202, 219}, []float64{31, 47, 80, 82, 82, 149})
	b, be = died([]float64{10, 10, 12, 13, 14, 15, 16, 17, 18, 20, 24, 24, 25, 28, 30,
		33, 35, 37, 40, 40, 46, 48, 76, 81, 82, 91, 112, 181}, []float64{34, 40, 70})
	r, err = LogRank(a, ae, b, be)
	if err != nil {
		t.Fatal(err)
	}
	checkClose(t, "BMJ", 1e-9, []float64{r.ChiSquare, r.P}, []float64{7.49659416854, 0.006181578637})
}

func died(seen, cutOff []float64) (times []float64, event []bool) {
	for range seen {
		event = append(event, true)
	}
	return append(append([]float64{}, seen...), cutOff...), append(event, make([]bool, len(cutOff))...)
}

func TestSurvivalOfOneAndOfNoEvent(t *testing.T) {
	s, err := KaplanMeier([]float64{5}, []bool{true})
	if err != nil || s.At(4.9) != 1 || s.At(5) != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	s, _ = KaplanMeier([]float64{5, 6}, []bool{false, false})
	q, err := s.Quantile(0.5, 0.95)
	if err != nil || s.At(7) != 1 || !math.IsInf(q.Time, 1) || !math.IsInf(q.CI.Upper, 1) {
		t.Errorf("all cut off: %+v %+v, %v", s, q, err)
	}
}

func TestSurvivalRefuses(t *testing.T) {
	yes, no := []bool{true}, []bool{false}
	for name, err := range map[string]error{
		"nothing":         second(KaplanMeier(nil, nil)),
		"lengths":         second(KaplanMeier([]float64{1, 2}, yes)),
		"negative":        second(KaplanMeier([]float64{-1}, yes)),
		"NaN":             second(KaplanMeier([]float64{math.NaN()}, yes)),
		"event at never":  second(KaplanMeier([]float64{math.Inf(1)}, yes)),
		"no event at all": second(LogRank([]float64{1}, no, []float64{2}, no)),
		"cause unknown":   second(CumulativeIncidence([]float64{1}, []int{3}, 2)),
		"no causes":       second(CumulativeIncidence([]float64{1}, []int{0}, 0)),
		"end at never":    second(CumulativeIncidence([]float64{math.Inf(1)}, []int{1}, 1)),
		"tau beyond":      second(RMST([]float64{5}, no, 6, 0.95)),
		"tau 0":           second(RMST([]float64{5}, yes, 0, 0.95)),
		"tau infinite":    second(RMST([]float64{5}, yes, math.Inf(1), 0.95)),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
