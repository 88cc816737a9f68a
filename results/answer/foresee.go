package answer

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/study"
)

// AssumedNoise is the standard deviation of the logarithms of times in a cell,
// about 6 %, where no run has shown another one.
const AssumedNoise = 0.06

// Foresight is what a plan can decide.
type Foresight struct {
	// RuledOut is the least share more that a strategy must take to be ruled out;
	// null where none can be.
	RuledOut study.Value `json:"share_ruled_out"`
	// Settled is after how many blocks strategies that are as fast as each other
	// are found to be so, and failures that nobody has seen are excluded.
	Settled int `json:"blocks_to_settle"`
	// Strategies is how many there are to choose between at each of the Places. It
	// is assumed that these agree, so that decisions are made over all of them.
	Strategies int `json:"strategies"`
	Places     int `json:"places"`
	// Indifference is the share by which two strategies may differ and be as good
	// as each other.
	Indifference float64 `json:"indifference"`
	// Noise is the standard deviation that this rests on; Seen is that earlier runs
	// have shown it.
	Noise float64 `json:"noise"`
	Seen  bool    `json:"noise_seen"`
}

// Foresee works out what so many blocks of the cells can decide at the noise of earlier
// runs; an indifference of 0 is the default. ok is false where there is no choice.
func Foresee(cells []trial.Cell, blocks int, indifference float64, runs []results.Run) (f Foresight, ok bool) {
	f.Indifference = cmp.Or(indifference, compare.DefaultIndifference)
	at := map[string]int{}
	for _, c := range cells {
		place := slices.DeleteFunc(slices.Clone(c), func(a trial.Assignment) bool { return isChoice(a.Factor) }).Key()
		at[place]++
		f.Strategies = max(f.Strategies, at[place])
	}
	if f.Places = len(at); f.Strategies < 2 {
		return f, false
	}
	if f.Noise, f.Seen = noise(cells, runs); !f.Seen {
		f.Noise = AssumedNoise
	}
	ruledOut, settled := compare.Foresee(f.Strategies, f.Places, blocks, f.Noise, f.Indifference)
	f.RuledOut, f.Settled = study.Value(ruledOut), settled
	return f, true
}

// noise is the spread of the logarithms of set-up times in a cell of a run, pooled.
func noise(cells []trial.Cell, runs []results.Run) (spread float64, seen bool) {
	squares, freedom := 0.0, 0.0
	for _, run := range runs {
		logs := map[string][]float64{}
		for _, r := range run.Trials() {
			if r.Standing() == results.Counts && r.Setup != nil && *r.Setup > 0 {
				logs[r.Trial.Cell.Key()] = append(logs[r.Trial.Cell.Key()], math.Log(r.Setup.Duration().Seconds()))
			}
		}
		for _, c := range cells {
			if own := logs[c.Key()]; len(own) > 1 {
				free := float64(len(own) - 1)
				squares, freedom = squares+free*stat.Variance(own, nil), freedom+free
			}
		}
	}
	return math.Sqrt(squares / freedom), squares > 0
}
