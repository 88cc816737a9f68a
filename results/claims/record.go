package claims

import (
	"fmt"
	"math"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
)

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
