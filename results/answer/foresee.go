package answer

import (
	"math"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/study"
)

// AssumedNoise is how much times of a cell vary where no run has shown it: the
// standard deviation of their logarithms, about 6 %.
const AssumedNoise = 0.06

// Foresight is what a plan can decide.
type Foresight struct {
	// RuledOut is the share more of which it shows that a strategy takes it; null
	// where it can show none.
	RuledOut study.Value `json:"share_ruled_out"`
	// Settled is after how many blocks strategies that are as fast as each other
	// are told to be so, and failures that nobody has seen are excluded.
	Settled int `json:"blocks_to_settle"`
	// Strategies are how many there are to choose between at each of so many
	// Places. Places are counted together, as decisions are made over all of them
	// where they agree.
	Strategies int `json:"strategies"`
	Places     int `json:"places"`
	// Indifference is the share by which two strategies may differ and be as good
	// as each other.
	Indifference float64 `json:"indifference"`
	// Noise is what it rests on; Seen says that earlier runs have shown it.
	Noise float64 `json:"noise"`
	Seen  bool    `json:"noise_seen"`
}

// Foresee says what so many blocks of the cells can decide at the noise that
// earlier runs of these cells have shown; an indifference of 0 is the default. ok
// is false where there is nothing to choose.
func Foresee(cells []trial.Cell, blocks int, indifference float64, runs []results.Run) (f Foresight, ok bool) {
	f.Indifference = Indifference(indifference)
	at := map[string]int{}
	for _, c := range cells {
		var place trial.Cell
		for _, a := range c {
			if !isChoice(a.Factor) {
				place = append(place, a)
			}
		}
		at[place.Key()]++
		f.Strategies = max(f.Strategies, at[place.Key()])
	}
	if f.Places = len(at); f.Strategies < 2 {
		return f, false
	}
	if f.Noise, f.Seen = noise(cells, runs); !f.Seen {
		f.Noise = AssumedNoise
	}
	seen := compare.Foresee(f.Strategies, f.Places, blocks, f.Noise, f.Indifference)
	f.RuledOut, f.Settled = study.Value(seen.RuledOut), seen.Settled
	return f, true
}

// noise is the standard deviation of the logarithms of set-up times in a cell of
// a run, pooled over all of these cells.
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
			own := logs[c.Key()]
			mean := 0.0
			for _, l := range own {
				mean += l / float64(len(own))
			}
			for _, l := range own {
				squares += (l - mean) * (l - mean)
			}
			freedom += float64(max(0, len(own)-1))
		}
	}
	return math.Sqrt(squares / freedom), squares > 0
}
