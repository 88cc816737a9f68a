package stats

import (
	"encoding/binary"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Logistic is a fitted model of the log odds of an event.
type Logistic struct {
	// Effect has the intercept first, then the covariates in their order.
	Effect        []LogisticEffect
	LogLikelihood float64 // with Firth's penalty
}

// LogisticEffect is a log odds ratio for one unit of a covariate.
type LogisticEffect struct {
	Estimate, StdErr float64
	CI               Interval // of the penalised profile likelihood
	P                float64  // penalised likelihood ratio test of no effect
}

// FirthLogistic fits a logistic regression by penalised likelihood, which has
// finite estimates also where a covariate separates crashes from clean runs
// (no crash in a cell) and little bias in small samples. rows has the
// covariates of each trial, without a constant; event whether it crashed.
// Covariates that are constant, or combinations of others, are an error.
//
// Firth, Biometrika 80 (1993) 27; Heinze & Schemper, Statistics in Medicine 21
// (2002) 2409; R's logistf.
func FirthLogistic(rows [][]float64, event []bool, conf float64) (Logistic, error) {
	if len(rows) == 0 || len(rows) != len(event) {
		return Logistic{}, invalid("%d trials and %d outcomes", len(rows), len(event))
	}
	events, trials := make([]int, len(rows)), make([]int, len(rows))
	for i := range rows {
		events[i], trials[i] = index(event[i]), 1
	}
	return FirthGrouped(rows, events, trials, conf)
}

// FirthGrouped is FirthLogistic for trials that are counted: events of trials
// for each row of covariates.
func FirthGrouped(rows [][]float64, events, trials []int, conf float64) (Logistic, error) {
	f, best, err := fitFirth(rows, events, trials)
	if err != nil {
		return Logistic{}, err
	}
	l := Logistic{LogLikelihood: best.logLikelihood}
	for j := range f.k {
		effect, err := f.effect(best, j, conf)
		if err != nil {
			return Logistic{}, err
		}
		l.Effect = append(l.Effect, effect)
	}
	return l, nil
}

// FirthEffect is that of one covariate, from 0, of FirthGrouped's model. An
// effect takes many fits: of a model with many covariates, of which few are
// asked for, this is quicker.
func FirthEffect(rows [][]float64, events, trials []int, covariate int, conf float64) (LogisticEffect, error) {
	f, best, err := fitFirth(rows, events, trials)
	if err != nil {
		return LogisticEffect{}, err
	}
	if covariate < 0 || covariate+1 >= f.k {
		return LogisticEffect{}, invalid("no covariate %d", covariate)
	}
	return f.effect(best, covariate+1, conf)
}

func fitFirth(rows [][]float64, events, trials []int) (*firth, firthPoint, error) {
	f, err := newFirth(rows, events, trials)
	if err != nil {
		return nil, firthPoint{}, err
	}
	best, ok := f.maximise(make([]float64, f.k), nil)
	if !ok {
		return nil, firthPoint{}, errNoMaximum
	}
	return f, best, nil
}

var errNoMaximum = invalid("the penalised likelihood has no maximum that could be found")

// FirthDropped is the p-value of the penalised likelihood ratio test that the
// given covariates, from 0, have no effect all together: a factor of several
// levels, or its interaction with another.
//
// Heinze & Schemper (2002); R's logistf::logistftest.
func FirthDropped(rows [][]float64, events, trials []int, covariates []int) (p float64, err error) {
	f, best, err := fitFirth(rows, events, trials)
	if err != nil {
		return 0, err
	}
	fixed := make([]bool, f.k)
	for _, j := range covariates {
		if j < 0 || j+1 >= f.k {
			return 0, invalid("no covariate %d", j)
		}
		fixed[j+1] = true
	}
	if len(covariates) == 0 {
		return 0, invalid("no covariate to drop")
	}
	without, ok := f.maximise(make([]float64, f.k), fixed)
	if !ok {
		return 0, errNoMaximum
	}
	return distuv.ChiSquared{K: float64(len(covariates))}.Survival(max(0, 2*(best.logLikelihood-without.logLikelihood))), nil
}

// firth has a row for each different vector of covariates, of which there are
// few: events and trials are counted by row.
type firth struct {
	x              *mat.Dense
	events, trials []float64
	n, k           int
}

func newFirth(rows [][]float64, events, trials []int) (*firth, error) {
	if len(rows) == 0 || len(rows) != len(events) || len(rows) != len(trials) {
		return nil, invalid("%d rows, %d events and %d trials", len(rows), len(events), len(trials))
	}
	f := &firth{k: len(rows[0]) + 1}
	place, all := map[string]int{}, 0
	var covariates []float64
	for i, r := range rows {
		if len(r) != f.k-1 {
			return nil, invalid("row %d has %d covariates, the first %d", i, len(r), f.k-1)
		}
		if err := checkFinite("covariate", r); err != nil {
			return nil, err
		}
		if events[i] < 0 || events[i] > trials[i] {
			return nil, invalid("row %d has %d events in %d trials", i, events[i], trials[i])
		}
		if trials[i] == 0 {
			continue
		}
		key := rowKey(r)
		at, seen := place[key]
		if !seen {
			at = f.n
			place[key] = at
			f.n++
			f.events, f.trials = append(f.events, 0), append(f.trials, 0)
			covariates = append(append(covariates, 1), r...)
		}
		f.events[at] += float64(events[i])
		f.trials[at] += float64(trials[i])
		all += trials[i]
	}
	if all <= f.k-1 {
		return nil, invalid("%d trials for %d covariates", all, f.k-1)
	}
	f.x = mat.NewDense(f.n, f.k, covariates)
	var svd mat.SVD
	if !svd.Factorize(f.x, mat.SVDNone) || f.n < f.k || svd.Cond() > 1e10 {
		return nil, invalid("a covariate is constant or a combination of others")
	}
	return f, nil
}

func rowKey(row []float64) string {
	key := make([]byte, 0, 8*len(row))
	for _, x := range row {
		key = binary.NativeEndian.AppendUint64(key, math.Float64bits(x))
	}
	return string(key)
}
