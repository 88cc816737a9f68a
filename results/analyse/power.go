package analyse

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stratbench/stratbench/results/analyse/stats"
)

// PowerQuestion is what is to be found out.
type PowerQuestion struct {
	// Low and High are the failure rates to be told apart.
	Low  float64 `json:"low_failure_rate"`
	High float64 `json:"high_failure_rate"`
	// Ratio of typical set-up times to be told from 1, and the standard
	// deviation of the log of one cell's times.
	Ratio  float64 `json:"setup_ratio"`
	Spread float64 `json:"log_spread"`
	// Comparisons share alpha between them.
	Comparisons int `json:"comparisons"`
	// SpreadSeen says that Spread is from trials and not assumed.
	SpreadSeen bool `json:"spread_seen"`
	// Simulated says that no engine produced those trials.
	Simulated bool `json:"simulated,omitempty"`
}

// PowerCurve is the probability to find the answer by the number of
// replicates.
type PowerCurve struct {
	Schema   string        `json:"schema"`
	Question PowerQuestion `json:"question"`
	Points   []PowerPoint  `json:"points"`
	// Enough is the first number of replicates at which both are found with
	// 80 %, or 0 where the curve does not get there.
	EnoughRates int `json:"replicates_for_rates"`
	EnoughTimes int `json:"replicates_for_times"`
	// Stopping is what a run that stops when it is decided would take; nil
	// where that many blocks cannot be counted out.
	Stopping *StoppingPower `json:"stopping,omitempty"`
}

// StoppingPower is a run with stop: decided, at the question's failure rates.
type StoppingPower struct {
	// Most replicates are planned, Mean is how many blocks it takes, and Power
	// how often it then finds the difference.
	Most  int   `json:"most_replicates"`
	Mean  Value `json:"mean_blocks"`
	Power Value `json:"power"`
}

// PowerPoint is the power at one number of replicates.
type PowerPoint struct {
	Replicates int   `json:"replicates"`
	Rates      Value `json:"power_failure_rates"`
	Times      Value `json:"power_setup_times"`
}

const (
	usualSpread    = 0.1
	mostReplicates = 100
	wantedPower    = 0.8
	// amplePower is where a curve has nothing more to tell.
	amplePower = 0.99
)

// Power says how many replicates a question needs: Boschloo's test for the
// failure rates, and for the times the paired test of logs inside blocks,
// never under the least p-value that so many blocks can give.
func Power(q PowerQuestion) (PowerCurve, error) {
	if !(q.Low >= 0 && q.Low < q.High && q.High <= 1) {
		return PowerCurve{}, fmt.Errorf("the failure rates to tell apart are %v and %v; the first must be the lower, both between 0 and 1", q.Low, q.High)
	}
	if !(q.Ratio > 0) || q.Ratio == 1 || math.IsInf(q.Ratio, 0) {
		return PowerCurve{}, fmt.Errorf("%v is no ratio of times to tell from 1", q.Ratio)
	}
	if !(q.Spread > 0) {
		q.Spread = usualSpread
	}
	q.Comparisons = max(1, q.Comparisons)
	c := PowerCurve{Schema: "stratbench.power/v1", Question: q, Points: []PowerPoint{}}
	alpha := Alpha / float64(q.Comparisons)
	for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 25, 30, 35, 40, 50, 60, 80, mostReplicates} {
		point := PowerPoint{Replicates: n, Rates: ratePower(q, n, alpha), Times: timePower(q, n, alpha)}
		c.Points = append(c.Points, point)
		if c.EnoughRates == 0 && point.Rates >= wantedPower {
			c.EnoughRates = n
		}
		if c.EnoughTimes == 0 && point.Times >= wantedPower {
			c.EnoughTimes = n
		}
		if point.Rates >= amplePower && point.Times >= amplePower {
			break
		}
	}
	c.Stopping = stoppingPower(q, alpha, c.EnoughRates)
	return c, nil
}

// stoppingPower plans half as many replicates again as a run of fixed length
// needs.
func stoppingPower(q PowerQuestion, alpha float64, enough int) *StoppingPower {
	most := enough + (enough+1)/2
	power, mean, err := stats.SequentialPower(q.Low, q.High, most, alpha)
	if enough == 0 || err != nil {
		return nil
	}
	return &StoppingPower{most, Value(mean), Value(power)}
}

// mostBoschloo is the size of arm up to which Boschloo's power is counted out.
const mostBoschloo = 30

func ratePower(q PowerQuestion, n int, alpha float64) Value {
	power := stats.FisherPower
	if n <= mostBoschloo {
		power = stats.BoschlooPower
	}
	p, err := power(q.Low, n, q.High, n, alpha)
	if err != nil {
		return none
	}
	return Value(p)
}

// timePower is that of n pairs of log times whose difference has a standard
// deviation of √2 spreads.
func timePower(q PowerQuestion, n int, alpha float64) Value {
	if 2*math.Pow(2, -float64(n)) > alpha {
		return 0
	}
	shift := math.Abs(math.Log(q.Ratio)) / (q.Spread * math.Sqrt2) * math.Sqrt(float64(n))
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 1)}.Quantile(1 - alpha/2)
	return Value(distuv.UnitNormal.CDF(shift - t))
}
