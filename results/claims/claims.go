// Package claims finds the figures of set-ups that a text states, and judges them by records:
// times, ratios, rates, memory. A figure that cannot be mapped onto the records is untested,
// with the reason. The hypotheses of a spec are tested as they were written.
package claims

import (
	"fmt"
	"math"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
)

// Schema is the version of the document.
const Schema = "stratbench.claims/v1"

// Kind is what a claim is about.
type Kind string

// The kinds.
const (
	// Time: a phase or the whole set-up takes so many seconds on average.
	Time Kind = "time"
	// Ratio: it takes so many times what it takes in Against.
	Ratio Kind = "ratio"
	// Works: such a share of trials becomes ready.
	Works Kind = "works"
	// Crashes: not all trials become ready; one failure is enough.
	Crashes Kind = "crashes"
	// PeakMemory: so many bytes are held at most.
	PeakMemory Kind = "peak memory"
)

// Where is the levels that a claim names, by factor. A claim that names several
// levels of a factor is about each of them. A level "<3GiB" is any with less memory.
type Where map[string][]string

// Claim is one figure of a text.
type Claim struct {
	// Line and Column are the figure's position, from 1.
	Line   int    `json:"line"`
	Column int    `json:"column,omitempty"`
	Text   string `json:"text"`
	Kind   Kind   `json:"kind,omitempty"`
	// Phase is what takes the time; empty is the whole set-up.
	Phase   trial.Phase `json:"phase,omitempty"`
	Where   Where       `json:"where,omitempty"`
	Against Where       `json:"against,omitempty"`
	// Low and High bound what is claimed, in seconds, bytes or as a share; nil is no bound.
	Low  float64  `json:"low"`
	High *float64 `json:"high"`
	// Together is how many images the text says are built at once; 0 if it does not say.
	Together int `json:"together,omitempty"`
	// Unclear is why the claim could not be mapped.
	Unclear string `json:"-"`
}

// Verdict is the result of comparing a claim with the records.
type Verdict string

// The verdicts.
const (
	Supported    Verdict = "supported"
	Contradicted Verdict = "contradicted"
	Untested     Verdict = "untested"
	// Open is that of a hypothesis that the trials do not decide.
	Open Verdict = "open"
)

// Finding is a claim with its verdict.
type Finding struct {
	Claim
	Verdict Verdict `json:"verdict"`
	// Why is the reason why it is untested, or how it is contradicted.
	Why      string     `json:"why,omitempty"`
	Measured []Measured `json:"measured"`
}

// Measured is the figure of the records, of one group of trials.
type Measured struct {
	// Of names the group: the engine, and each of several levels.
	Of string `json:"of,omitempty"`
	// Value is a mean, a ratio of means, or a rate. Low and High are its 95 % bounds, if any.
	// A lower bound can be infinite, if others mostly fail.
	Value  study.Value  `json:"value"`
	Low    *study.Value `json:"low"`
	High   *float64     `json:"high"`
	N      int          `json:"n"`
	Failed int          `json:"failed"`
	// Base are the trials in Against, and Chance is how probable the claim is, of a
	// hypothesis about the least memory.
	Base    *Base    `json:"base,omitempty"`
	Chance  *float64 `json:"chance,omitempty"`
	verdict Verdict
	why     string
}

// Base is what others are compared with: a rate, a median in seconds, or bytes.
type Base struct {
	Value  study.Value `json:"value"`
	N      int         `json:"n"`
	Failed int         `json:"failed"`
}

// baseline is the strategy that the stated times of a record are compared with.
// Times of another host mean nothing here, but their ratios do.
const baseline = "serial"

// OfRecord are the claims of an imported record of what somebody saw: the
// confidence and times that it states of each strategy.
func OfRecord(record study.Study) (all []Claim) {
	_, base := Stated(record, baseline)
	for _, name := range record.Levels("strategy") {
		of, own := Stated(record, name)
		if of == nil {
			continue
		}
		at := Claim{Line: of.Line, Where: Where{"strategy": {name}}}
		if of.Confidence != nil {
			c := at
			c.Kind, c.Low, c.High = Works, *of.Confidence, of.Confidence
			c.Text = fmt.Sprintf("%s works in %g %%", name, math.Round(1000*c.Low)/10)
			if of.Stability != "" {
				c.Text += fmt.Sprintf(" (%q)", of.Stability)
			}
			all = append(all, c)
		}
		if base != nil && own != nil && name != baseline {
			c := at
			high := float64(own.High) / float64(base.Low)
			c.Kind, c.Against, c.Low, c.High = Ratio, Where{"strategy": {baseline}}, float64(own.Low)/float64(base.High), &high
			share := fmt.Sprintf("%.0f", 100*high)
			if low := fmt.Sprintf("%.0f", 100*c.Low); low != share {
				share = low + " to " + share
			}
			c.Text = fmt.Sprintf("%s takes %s %% of the set-up time of %s", name, share, baseline)
			all = append(all, c)
		}
	}
	return all
}

// Stated is what a record states of a strategy, and the set-up time among it; nil for none.
func Stated(record study.Study, strategy string) (of *results.Imported, setup *results.StatedRange) {
	for _, run := range record.Runs {
		for _, r := range run.Records {
			name, _ := r.Trial.Cell.Level("strategy")
			if i := r.Imported; i == nil || name != strategy || i.Confidence == nil && len(i.Stated) == 0 {
				continue
			}
			if at := slices.IndexFunc(r.Imported.Stated, func(s results.StatedRange) bool { return s.Of == "setup" }); at >= 0 {
				setup = &r.Imported.Stated[at]
			}
			return r.Imported, setup
		}
	}
	return nil, nil
}
