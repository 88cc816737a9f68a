// Package claims finds the figures of set-ups that a text states, and judges them
// by records: times, ratios, rates, memory. A figure that cannot be mapped onto
// the records is untested, with the reason. The hypotheses of a spec are tested as
// they were written.
package claims

import (
	"fmt"
	"math"

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
	// Crashes: trials fail there; one is enough.
	Crashes Kind = "crashes"
	// Never: no trial fails there.
	Never Kind = "never fails"
	// PeakMemory: so many bytes are held at most.
	PeakMemory Kind = "peak memory"
	// Needs: with less memory than so many bytes no trial becomes ready.
	Needs Kind = "needs memory"
)

// Where is the levels that a claim names, by factor. A claim that names several
// levels of a factor is about each of them.
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
	// Low and High bound what is claimed, in seconds, bytes, or as a share; a nil
	// High is no bound.
	Low  float64  `json:"low"`
	High *float64 `json:"high"`
	// Together is how many images the text says are built at once; 0 if it does
	// not say.
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
	// Value is a mean, a ratio of means, or a rate. Low and High are its 95 %
	// bounds, nil with too few trials.
	Value  study.Value `json:"value"`
	Low    *float64    `json:"low"`
	High   *float64    `json:"high"`
	N      int         `json:"n"`
	Failed int         `json:"failed"`
	// Base are the trials in Against, and Chance is how probable the claim is, of a
	// hypothesis about the least memory.
	Base    *Base    `json:"base,omitempty"`
	Chance  *float64 `json:"chance,omitempty"`
	verdict Verdict
	why     string
}

// Base is what was measured of the trials that others are compared with: a rate, a
// median in seconds, or bytes.
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
	base := Setup(record, baseline)
	for _, r := range stating(record) {
		name, _ := r.Trial.Cell.Level("strategy")
		at := Claim{Line: r.Imported.Line, Where: Where{"strategy": {name}}}
		if stated := r.Imported.Confidence; stated != nil {
			c := at
			c.Kind, c.Low, c.High = Works, *stated, stated
			c.Text = fmt.Sprintf("%s works in %g %%", name, math.Round(1000**stated)/10)
			if r.Imported.Stability != "" {
				c.Text += fmt.Sprintf(" (%q)", r.Imported.Stability)
			}
			all = append(all, c)
		}
		if own := Setup(record, name); base != nil && own != nil && name != baseline {
			c := at
			high := float64(own.High) / float64(base.Low)
			c.Kind, c.Against, c.Low, c.High = Ratio, Where{"strategy": {baseline}}, float64(own.Low)/float64(base.High), &high
			c.Text = fmt.Sprintf("%s takes %s of the set-up time of %s", name, shares(c.Low, high), baseline)
			all = append(all, c)
		}
	}
	return all
}

func shares(low, high float64) string {
	if math.Round(100*low) == math.Round(100*high) {
		return fmt.Sprintf("%.0f %%", 100*low)
	}
	return fmt.Sprintf("%.0f to %.0f %%", 100*low, 100*high)
}

// stating are the records with something stated, one for each strategy.
func stating(record study.Study) (found []results.Record) {
	seen := map[string]bool{}
	for _, run := range record.Runs {
		for _, r := range run.Records {
			name, ok := r.Trial.Cell.Level("strategy")
			if i := r.Imported; ok && i != nil && (i.Confidence != nil || len(i.Stated) > 0) && !seen[name] {
				seen[name] = true
				found = append(found, r)
			}
		}
	}
	return found
}

// Setup is the set-up time that a record states of a strategy; nil for none.
func Setup(record study.Study, strategy string) *results.StatedRange {
	for _, r := range stating(record) {
		if name, _ := r.Trial.Cell.Level("strategy"); name != strategy {
			continue
		}
		for _, s := range r.Imported.Stated {
			if s.Of == "setup" {
				return &s
			}
		}
	}
	return nil
}
