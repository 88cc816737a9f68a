package history

import (
	"math"
	"time"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/study"
)

// ReviewSchema is the version of a Review as JSON.
const ReviewSchema = "stratbench.review/v1"

// Review looks back over all nights of an experiment on a host: every series,
// cut where it changed.
type Review struct {
	Schema     string         `json:"schema"`
	Experiment string         `json:"experiment"`
	Host       string         `json:"host"`
	Nights     []Night        `json:"nights"`
	Series     []SeriesReview `json:"series"`
	Threshold  float64        `json:"threshold"`
	Simulated  bool           `json:"simulated"`
}

// Night is one run in the order of the series.
type Night struct {
	RunID string    `json:"run_id"`
	When  time.Time `json:"when"`
	// NotFit are the reasons for which it is not judged by.
	NotFit []string `json:"not_fit,omitempty"`
	// Reference is the median time of the reference workload.
	Reference study.Value `json:"reference_seconds"`
}

// Unfit is true for a night whose host was not fit to measure on. It stays in the history.
func (n Night) Unfit() bool { return len(n.NotFit) > 0 }

// SeriesReview is one series and its changes.
type SeriesReview struct {
	Cell   trial.Cell   `json:"cell"`
	Metric study.Metric `json:"metric"`
	Unit   study.Unit   `json:"unit"`
	// Points has for each night the median, or the share of bad trials, and
	// how many trials there were.
	Points   []Point   `json:"points"`
	Segments []Segment `json:"segments"`
	// Changes are those between flat segments, and drifts.
	Changes []Change `json:"changes"`
	// Noise is absent for a share.
	Noise *Noise `json:"noise,omitempty"`
}

// Point is a series in one night; a null value is no trial with a figure.
type Point struct {
	Value study.Value `json:"value"`
	N     int         `json:"n"`
	Bad   int         `json:"bad,omitempty"`
}

// Segment is a stretch of nights without a step.
type Segment = detect.Segment

// Change is between two segments, or is one that drifts. The ratio of a step in times or
// memory is of the nights after to those before, two weeks of each at most.
type Change struct {
	Effect
	// Until is the last night of a drift; absent for a step.
	Until *Moment `json:"until,omitempty"`
	// Accepted is why the change was wanted, if someone said so.
	Accepted *Baseline `json:"accepted,omitempty"`
}

// Noise is how much a series of times or of memory varies where nothing
// changed. Both are standard deviations of logarithms: 0.04 is about 4 %.
type Noise struct {
	// InNight is between the trials of a cell within a night.
	InNight study.Value `json:"in_night"`
	// ByNight is between the nights of a segment, beyond what their trials
	// explain; 0 where they explain all.
	ByNight study.Value `json:"by_night"`
}

// Review looks back over an experiment on a host: every series, or those of the pattern's cell
// and metric, cut at what the checks of its nights were sure of.
func (h *History) Review(experiment, host string, series Pattern, threshold float64) Review {
	n := h.Nights(experiment, host)
	r := Review{Schema: ReviewSchema, Experiment: experiment, Host: host, Nights: n.Fitness, Series: []SeriesReview{}, Threshold: threshold, Simulated: n.Simulated()}
	decisions := h.Decisions(experiment, host)
	cut := detect.Segments(n.Matrix(), n.replay(decisions, threshold), threshold)
	for i, s := range n.Series {
		if match(series.Cell, s.Cell.Key()) && match(series.Metric, string(s.Metric)) {
			r.Series = append(r.Series, n.reviewed(s, cut[i], decisions, threshold))
		}
	}
	return r
}

func (n Nights) reviewed(s Series, cut detect.Segmentation, decisions []Baseline, threshold float64) SeriesReview {
	r := SeriesReview{Cell: s.Cell, Metric: s.Metric, Unit: s.Metric.Unit(), Changes: []Change{}, Segments: append([]Segment{}, cut.Segments...)}
	for night := range n.Runs {
		r.Points = append(r.Points, s.point(night))
	}
	if s.Values != nil {
		noise := n.noise(s, r.Segments)
		r.Noise = &noise
	}
	for _, c := range cut.Changes {
		change := Change{Effect: n.effect(c.Finding, threshold)}
		change.Better = c.After < c.Before
		if c.Until != detect.None {
			until := n.moment(c.Until)
			change.Until = &until
		}
		// More nights may place a change a few nights beside where it was accepted.
		const beside = 3
		for _, b := range decisions {
			off := n.since(b.From) - c.Since
			if b.Do == BaselineAccept && b.Metric == s.Metric && b.Cell.Key() == s.Cell.Key() && max(off, -off) <= beside {
				change.Accepted = &b
				break
			}
		}
		r.Changes = append(r.Changes, change)
	}
	return r
}

// noise estimates both components of variance by their moments, over the fit
// nights of the flat segments. Trials are nested in nights, nights in
// segments; there need not be equally many of them.
//
// Searle, Casella & McCulloch, Variance Components, 1992, chapter 3.
func (n Nights) noise(s Series, segments []Segment) Noise {
	var trials, nights struct{ squares, freedom float64 } // sums
	weight := 0.0
	for _, part := range segments {
		var means, sizes []float64 // of the logarithms of each night
		for night := part.Start; night < part.End && !part.Drift; night++ {
			if len(s.Values[night]) == 0 || n.Fitness[night].Unfit() {
				continue
			}
			var logs []float64
			for _, v := range s.Values[night] {
				logs = append(logs, math.Log(v))
			}
			mean, variance := stat.MeanVariance(logs, nil)
			if size := float64(len(logs)); size > 1 {
				trials.squares, trials.freedom = trials.squares+variance*(size-1), trials.freedom+size-1
			}
			means, sizes = append(means, mean), append(sizes, float64(len(logs)))
		}
		if len(means) < 2 {
			continue
		}
		_, variance := stat.MeanVariance(means, sizes)
		all := floats.Sum(sizes)
		nights.squares, nights.freedom = nights.squares+variance*(all-1), nights.freedom+float64(len(means)-1)
		weight += all - floats.Dot(sizes, sizes)/all
	}
	inNight := trials.squares / trials.freedom // undefined without a degree of freedom
	byNight := max(0, nights.squares/nights.freedom-inNight) * nights.freedom / weight
	return Noise{InNight: study.Value(math.Sqrt(inNight)), ByNight: study.Value(math.Sqrt(byNight))}
}
