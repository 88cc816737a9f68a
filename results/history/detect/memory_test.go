package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The variance of a mean is the sum of all covariances over n².
func TestInflationIsThatOfTheMean(t *testing.T) {
	for _, m := range []memory{{}, {0.4, 0.9}, {1, 0.6}} {
		for _, n := range []int{1, 2, 5, 60} {
			var sum float64
			for i := range n {
				for j := range n {
					switch lag := math.Abs(float64(i - j)); lag {
					case 0:
						sum++
					default:
						sum += m.share * math.Pow(m.decay, lag)
					}
				}
			}
			if got, want := m.inflation(float64(n)), sum/float64(n); !near(got, want, 1e-9) {
				t.Errorf("%+v, %d nights: %v, want %v", m, n, got, want)
			}
		}
	}
}

// Of two metrics, nights resemble each other in one: correlated by 0.6 in the
// first twelve series, independent in the others.
func TestRememberTellsMetricsApart(t *testing.T) {
	const cells, nights, looks = 12, 60, 20
	random := rand.New(rand.NewPCG(7, 7))
	var inflation [2]float64
	some := make([]int, nights+longestWindow)
	for i := range some {
		some[i] = i
	}
	for range looks {
		var measures []*measure
		for i := range 2 * cells {
			correlation, at := 0.6*float64(1-i/cells), 0.0
			m := &measure{metric: []string{"setup", "memory"}[i/cells], regimes: []int{0}}
			for range nights + longestWindow {
				at = correlation*at + math.Sqrt(1-correlation*correlation)*0.02*random.NormFloat64()
				m.residual = append(m.residual, at)
			}
			m.scale = spread(slices.Clone(m.residual))
			measures = append(measures, m)
		}
		remember(measures, some)
		for i, m := range measures {
			inflation[i/cells] += m.memory.inflation(5) / cells / looks
		}
	}
	if want := (memory{1, 0.6}).inflation(5); !near(inflation[0], want, 0.2*want) || !near(inflation[1], 1, 0.15) {
		t.Errorf("the mean of five nights varies %.2f and %.2f times as much as of independent ones, want %.2f and 1", inflation[0], inflation[1], want)
	}
}

// A level that wanders hides no doubling: set-up takes 3 % more or less in a slow wave,
// and twice as long for good from the night on at which it is looked for.
func TestADoublingIsFoundHoweverNightsWander(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	for _, times := range []float64{1.5, 2, 10, 0.5} {
		m := Matrix{Series: []Series{{Metric: "setup", Primary: true}}}
		for n := range 90 {
			value := 100 * math.Exp(0.03*math.Sin(2*math.Pi*float64(n)/40)+0.005*random.NormFloat64())
			if n >= 70 {
				value *= times
			}
			m.Nights = append(m.Nights, Night{})
			m.Series[0].Values = append(m.Series[0].Values, []float64{value, value * 1.001, value * 0.999})
		}
		found := None
		for _, f := range Replay(m, nil, nobody, DefaultThreshold).Findings {
			if f.Certainty == Certain && f.Better == (times < 1) && f.Settled >= 70 && found == None {
				found = f.Settled
			}
		}
		if found == None || found > 74 {
			t.Errorf("%v times as long from night 70 on: found in night %d", times, found)
		}
	}
}

// Nights that follow each other raise no more false alarms than one in a hundred
// nights: without their memory it is one in eleven.
func TestCorrelatedNightsAreNoRegression(t *testing.T) {
	const histories = 6
	nights, alarms, correlation, wider := 0, 0, 0.0, 0.0
	for seed := range uint64(histories) {
		w := usualWorld(5, 300+seed)
		w.Cells, w.Busy, w.Crash, w.FailTest, w.Follow, w.Cell = 6, 0, 0, 0, 0.6, 0.03
		r := judgedBy(w.nights(300))
		nights += len(r.Nights)
		for _, f := range r.Findings {
			alarms += index(f.Regression())
		}
		correlation, wider = correlation+float64(r.Correlation)/histories, wider+float64(r.Wider)/histories
	}
	if correlation < 0.25 || wider < 1.2 {
		t.Errorf("the nights are said to be correlated by %.2f, and to need %.2f times the difference", correlation, wider)
	}
	if alarms > nights/60 {
		t.Errorf("%d false alarms in %d nights", alarms, nights)
	}
}
