package detect

import (
	"math"

	"github.com/stratbench/stratbench/results/stats"
)

// judgeRates follows the counts into a night.
func (w *watch) judgeRates(t int) {
	for _, r := range w.rates {
		if r.trials[t] == 0 {
			continue
		}
		usual, seen := r.usual(w.judged)
		if seen.Trials < fewestRateTrials {
			continue
		}
		if r.bad[t] > 0 {
			w.rose(t, r, usual)
		} else if usual >= w.RateThreshold {
			w.fell(t, r)
		}
	}
}

// rose raises a rate whose chart has reached one of its limits.
func (w *watch) rose(t int, r *rate, usual float64) {
	trials := r.meanTrialsOf(w.judged)
	suspect, err := w.charts.chart(usual, trials, 1/(w.Suspicion*suspectRates))
	if err != nil {
		return
	}
	alarm, err := w.charts.chart(usual, trials, 1/(w.Alarm*alarmRates))
	if err != nil {
		return
	}
	sum, since := r.climb(w.judged, suspect.Crash)
	if sum < suspect.Limit {
		return
	}
	f := Finding{Kind: Rate, Certainty: Suspected, Since: since, P: w.charts.perNight(suspect.Crash, sum, usual, trials) / suspectRates}
	if sum >= alarm.Limit {
		f.Certainty, f.P = Certain, f.P*suspectRates/alarmRates
	}
	w.rateChange(t, r, f)
}

// fell raises a rate that is lower than it was.
func (w *watch) fell(t int, r *rate) {
	p, since := r.fell(w.judged)
	p *= float64(len(w.rates)) / alarmRates
	if p <= w.Alarm {
		w.rateChange(t, r, Finding{Kind: Rate, Better: true, Certainty: Certain, Since: since, P: p})
	}
}

func (w *watch) rateChange(t int, r *rate, f Finding) {
	before, after := r.count(w.judged, r.regime, f.Since), r.count(w.judged, f.Since, math.MaxInt)
	f.Series, f.Raised, f.Undoes, f.UndoneBy = r.series, t, None, None
	f.Before, f.After = share(before), share(after)
	f.Ratio = f.After / f.Before
	if !(math.Abs(f.After-f.Before) >= w.RateThreshold) {
		return
	}
	f.CI = stats.MiettinenNurminen(after, before, confidence)
	if w.raise(t, f) {
		r.regime = f.Since
	} else if open, ok := w.suspects[r.series]; ok && open.refuted {
		r.refuted = t
	}
}
