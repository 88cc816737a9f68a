package detect

import (
	"math"
	"slices"

	"github.com/stratbench/stratbench/results/stats"
)

const (
	// A usual rate is taken from at most rateNights, and not from the last recentNights.
	rateNights, recentNights = 180, 4
	// fewestRateTrials are needed to know a usual rate.
	fewestRateTrials = 15
	// Before any trial a rate is taken to be priorRate, as if seen in priorTrials.
	priorRate, priorTrials = 0.01, 25.0
	// raisedRate is what a chart is best at finding, or raisedBy more than the usual rate.
	raisedRate, raisedBy = 0.3, 0.25
	// chartNights is how far back a rise can have begun.
	chartNights = 40
)

// usualRates are those that charts are made for; a rate counts as the next higher one.
var usualRates = [...]float64{0.01, 0.0125, 0.016, 0.02, 0.025, 0.032, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.32, 0.4, 0.5, 0.6, 0.7}

// Raised is the rate that a usual one is distinguished from.
func Raised(usual float64) float64 {
	return min(0.95, max(raisedRate, usual+raisedBy))
}

// rate is a series of counts.
type rate struct {
	Series
	series  int
	regime  int
	refuted int // night up to which bad trials were found to be chance
}

// judgeRates follows the counts into a night.
func (w *watch) judgeRates(t int) {
	for _, r := range w.rates {
		usual, seen := r.usual(w.judged)
		switch {
		case r.Trials[t] == 0 || seen.Trials < fewestRateTrials:
		case r.Bad[t] > 0:
			w.rose(t, r, usual)
		case usual >= RateThreshold:
			p, since := r.fell(w.judged)
			p *= float64(len(w.rates)) / alarmRates
			if p <= alarm {
				w.rateChange(t, r, Finding{Kind: Rate, Better: true, Certainty: Certain, Since: since, P: p})
			}
		}
	}
}

// rose raises a rate whose chart has reached one of its limits.
func (w *watch) rose(t int, r *rate, usual float64) {
	trials := r.meanTrials(w.judged)
	suspect, noSuspect := w.chart(usual, trials, 1/(suspicion*suspectRates))
	certain, noCertain := w.chart(usual, trials, 1/(alarm*alarmRates))
	if noSuspect != nil || noCertain != nil {
		return
	}
	sum, since := r.climb(w.judged, suspect.Crash)
	if sum < suspect.Limit {
		return
	}
	// The false alarms a night, over all series, of a chart whose limit is the sum.
	p := 0.0
	if length := (stats.BernoulliCUSUM{Crash: suspect.Crash, Limit: min(sum, 1000)}).RunLength(usual); !math.IsNaN(length) {
		p = min(1, float64(len(w.rates)*trials)/length)
	}
	f := Finding{Kind: Rate, Certainty: Suspected, Since: since, P: p / suspectRates}
	if sum >= certain.Limit {
		f.Certainty, f.P = Certain, f.P*suspectRates/alarmRates
	}
	w.rateChange(t, r, f)
}

func (w *watch) rateChange(t int, r *rate, f Finding) {
	before, after := r.sides(w.judged, f.Since)
	f.Series, f.Raised = r.series, t
	f.Before, f.After = before.Rate(), after.Rate()
	f.Ratio = f.After / f.Before
	if !(math.Abs(f.After-f.Before) >= RateThreshold) {
		return
	}
	f.CI = stats.MiettinenNurminen(after, before, confidence)
	if w.raise(t, f) {
		r.regime = f.Since
	} else if open, ok := w.suspects[r.series]; ok && open.refuted {
		r.refuted = t
	}
}

// usual is the rate of the regime without its last nights.
func (r *rate) usual(judged []int) (usual float64, seen stats.Arm) {
	end := max(0, len(judged)-recentNights)
	nights := judged[max(0, end-rateNights):end]
	seen = r.count(nights[place(nights, r.regime):])
	p := (float64(seen.Events) + priorRate*priorTrials) / (float64(seen.Trials) + priorTrials)
	next, _ := slices.BinarySearch(usualRates[:], p)
	return usualRates[min(next, len(usualRates)-1)], seen
}

// climb is the chart's sum after the last judged night, and the first night of its climb from 0.
func (r *rate) climb(judged []int, crash int) (sum, since int) {
	for _, t := range judged[max(0, len(judged)-chartNights):] {
		if t < max(r.regime, r.refuted+1) {
			continue
		}
		if sum -= r.Trials[t] - r.Bad[t]; sum <= 0 {
			sum, since = 0, t
		}
		sum += crash * r.Bad[t]
	}
	return sum, since
}

type chartKey struct {
	usual  float64
	trials int
	every  float64
}

// chart is that of a series with the usual rate and trials a night, which
// gives one false alarm in the given number of nights over all series of counts.
func (w *watch) chart(usual float64, trials int, every float64) (chart stats.BernoulliCUSUM, err error) {
	key := chartKey{usual, trials, every}
	chart, made := w.charts[key]
	if !made {
		if chart, err = stats.NewBernoulliCUSUM(usual, Raised(usual), every*float64(len(w.rates)*trials)); err == nil {
			w.charts[key] = chart
		}
	}
	return chart, err
}

// meanTrials is the usual number of trials a night, at least 1.
func (r *rate) meanTrials(judged []int) int {
	var sum, nights int
	for _, t := range judged[max(0, len(judged)-chartNights):] {
		if r.Trials[t] > 0 {
			sum, nights = sum+r.Trials[t], nights+1
		}
	}
	return max(1, int(math.Round(float64(sum)/float64(max(1, nights)))))
}

// fallWindows are the numbers of last nights over which a rate may have fallen.
var fallWindows = [...]int{3, 5, 10, 20, 40}

// fell tests the last nights against those before: Fisher's exact test, for all windows.
func (r *rate) fell(judged []int) (p float64, since int) {
	p = 1
	for _, k := range fallWindows {
		if k >= len(judged) {
			break
		}
		start := judged[len(judged)-k]
		before, after := r.sides(judged, start)
		if start <= r.regime || before.Trials == 0 || after.Trials == 0 {
			continue
		}
		if one := stats.Fisher(after, before, stats.Less); one*float64(len(fallWindows)) < p {
			p, since = one*float64(len(fallWindows)), start
		}
	}
	return p, since
}

// sides counts over the regime's nights before since, and from it on.
func (r *rate) sides(judged []int, since int) (before, after stats.Arm) {
	nights := judged[max(0, len(judged)-rateNights):]
	at := place(nights, since)
	return r.count(nights[min(at, place(nights, r.regime)):at]), r.count(nights[at:])
}
