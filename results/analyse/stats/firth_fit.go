package stats

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// firthPoint is the penalised likelihood at one vector of coefficients.
type firthPoint struct {
	beta          []float64
	logLikelihood float64
	score         []float64 // Firth's modified score
	information   *mat.SymDense
}

func (f *firth) at(beta []float64) (firthPoint, bool) {
	p := firthPoint{beta: beta, score: make([]float64, f.k), information: mat.NewSymDense(f.k, nil)}
	fitted := make([]float64, f.n)
	for i := range f.n {
		eta := mat.Dot(f.x.RowView(i), mat.NewVecDense(f.k, beta))
		fitted[i] = 1 / (1 + math.Exp(-eta))
		// log(1+e^η) without overflow.
		p.logLikelihood += f.events[i]*eta - f.trials[i]*(max(eta, 0)+math.Log1p(math.Exp(-math.Abs(eta))))
		p.information.SymRankOne(p.information, f.trials[i]*fitted[i]*(1-fitted[i]), f.x.RowView(i))
	}
	var chol mat.Cholesky
	if !chol.Factorize(p.information) {
		return p, false
	}
	p.logLikelihood += chol.LogDet() / 2
	var solved mat.VecDense
	for i := range f.n {
		row := f.x.RowView(i)
		if err := chol.SolveVecTo(&solved, row); err != nil {
			return p, false
		}
		leverage := f.trials[i] * fitted[i] * (1 - fitted[i]) * mat.Dot(row, &solved)
		weight := f.events[i] - f.trials[i]*fitted[i] + leverage*(0.5-fitted[i])
		for j := range f.k {
			p.score[j] += weight * row.AtVec(j)
		}
	}
	return p, !math.IsNaN(p.logLikelihood)
}

// maximise climbs from start by scoring with halved steps, keeping the fixed
// coefficients; nil fixes none.
func (f *firth) maximise(start []float64, fixed []bool) (firthPoint, bool) {
	p, ok := f.at(start)
	for range 500 {
		if !ok {
			return p, false
		}
		step, gain, solved := f.step(p, fixed)
		if !solved {
			return p, false
		}
		if gain < 1e-20 {
			return p, true
		}
		if gain < 1e-6 {
			// So near the top the likelihood is flat to rounding and cannot
			// judge steps; the score still leads on.
			p, ok = f.at(added(p.beta, step, 1))
			continue
		}
		if p, ok = f.climb(p, step); !ok {
			return p, false
		}
	}
	return p, false
}

// climb takes the longest of step, step/2, step/4, … that does not lose.
func (f *firth) climb(p firthPoint, step []float64) (firthPoint, bool) {
	for scale := 1.0; scale > 1e-9; scale /= 2 {
		if next, ok := f.at(added(p.beta, step, scale)); ok && next.logLikelihood > p.logLikelihood {
			return next, true
		}
	}
	return p, false
}

func added(beta, step []float64, scale float64) []float64 {
	out := make([]float64, len(beta))
	for j := range out {
		out[j] = beta[j] + scale*step[j]
	}
	return out
}

// step solves information·step = score over the free coefficients and says
// what it would gain; steps are cut to 5 a coefficient.
func (f *firth) step(p firthPoint, fixed []bool) (step []float64, gain float64, ok bool) {
	var free []int
	for j := range f.k {
		if fixed == nil || !fixed[j] {
			free = append(free, j)
		}
	}
	step = make([]float64, f.k)
	if len(free) == 0 {
		return step, 0, true
	}
	information, score := mat.NewSymDense(len(free), nil), mat.NewVecDense(len(free), nil)
	for a, i := range free {
		score.SetVec(a, p.score[i])
		for b, j := range free[a:] {
			information.SetSym(a, a+b, p.information.At(i, j))
		}
	}
	var chol mat.Cholesky
	var solved mat.VecDense
	if !chol.Factorize(information) || chol.SolveVecTo(&solved, score) != nil {
		return nil, 0, false
	}
	for a, j := range free {
		step[j] = max(-5, min(5, solved.AtVec(a)))
	}
	return step, mat.Dot(score, &solved), true
}

func (f *firth) effect(best firthPoint, j int, conf float64) (LogisticEffect, error) {
	if err := checkConfidence(conf); err != nil {
		return LogisticEffect{}, err
	}
	lost := invalid("the profile of coefficient %d could not be followed", j)
	var chol mat.Cholesky
	var inverse mat.SymDense
	if !chol.Factorize(best.information) || chol.InverseTo(&inverse) != nil {
		return LogisticEffect{}, lost
	}
	e := LogisticEffect{Estimate: best.beta[j], StdErr: math.Sqrt(inverse.At(j, j))}
	null, ok := f.profile(best, j, 0)
	if !ok {
		return LogisticEffect{}, lost
	}
	e.P = distuv.ChiSquared{K: 1}.Survival(max(0, 2*(best.logLikelihood-null)))
	drop := distuv.ChiSquared{K: 1}.Quantile(conf) / 2
	lower, ok1 := f.profileEnd(best, j, drop, -e.StdErr)
	upper, ok2 := f.profileEnd(best, j, drop, e.StdErr)
	if !ok1 || !ok2 {
		return LogisticEffect{}, lost
	}
	e.CI = Interval{lower, upper}
	return e, nil
}

// profile is the likelihood with coefficient j at value, the others free.
func (f *firth) profile(best firthPoint, j int, value float64) (float64, bool) {
	start := append([]float64{}, best.beta...)
	start[j] = value
	fixed := make([]bool, f.k)
	fixed[j] = true
	p, ok := f.maximise(start, fixed)
	return p.logLikelihood, ok
}

// profileEnd walks outwards until the profile has dropped enough, then
// bisects.
func (f *firth) profileEnd(best firthPoint, j int, drop, stride float64) (float64, bool) {
	ok := true
	excess := func(b float64) float64 {
		l, found := f.profile(best, j, b)
		ok = ok && found
		return best.logLikelihood - l - drop
	}
	inside, outside := best.beta[j], best.beta[j]+2*stride
	for excess(outside) < 0 {
		inside, outside = outside, outside+2*stride
		if !ok || math.Abs(outside-best.beta[j]) > 200*math.Abs(stride) {
			return 0, false
		}
	}
	return secantBisect(excess, inside, outside), ok
}

// secantBisect is bisection with a secant step between every two halvings:
// each value here is a fit of its own.
func secantBisect(f func(float64) float64, lo, hi float64) float64 {
	flo, fhi := f(lo), f(hi)
	for i := range 100 {
		if math.Abs(hi-lo) <= 1e-11*(1+math.Abs(lo)) {
			break
		}
		x := lo + (hi-lo)/2
		if i%3 != 2 && fhi != flo {
			x = lo - flo*(hi-lo)/(fhi-flo)
		}
		y := f(x)
		if math.Abs(y) < 1e-13 {
			return x
		}
		if (y > 0) == (flo > 0) {
			lo, flo = x, y
		} else {
			hi, fhi = x, y
		}
	}
	return lo + (hi-lo)/2
}
