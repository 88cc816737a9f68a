package answer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/study"
)

// Interim decides after a block, and may after every one, whether a run may stop:
// when no decision is open. Until then it retires the cells that no open decision
// needs.
func Interim(s study.Study) (results.Look, error) {
	a, err := Of(s, 0)
	if errors.Is(err, ErrNothingToChoose) || len(s.Trials) == 0 {
		return results.Look{}, nil
	}
	if err != nil {
		return results.Look{}, err
	}
	var ended []string
	for _, d := range a.Decisions {
		best := strings.Join(d.Best, " or ")
		if d.Verdict == compare.None {
			best = "no strategy works well enough"
		}
		if d.Verdict != compare.Undecided {
			ended = append(ended, fmt.Sprintf("%s, %s: %s", d.Situation, d.Environment, best))
		}
	}
	if len(ended) == len(a.Decisions) {
		return results.Look{Stopped: true, Reason: strings.Join(ended, "; ")}, nil
	}
	look := results.Look{}
	for _, c := range s.Cells {
		needed := func(d Decision) bool {
			if arm := StrategyOf(a.Chosen, c); d.Verdict != compare.Undecided || !slices.Contains(d.Best, arm) || slices.Contains(d.Slower, arm) {
				return false
			}
			for factor, levels := range d.Where {
				if level, _ := c.Level(factor); !slices.Contains(levels, level) {
					return false
				}
			}
			return true
		}
		// A cell without a trial was not ruled out.
		if len(s.Of(c)) > 0 && !slices.ContainsFunc(a.Decisions, needed) {
			look.Retired = append(look.Retired, c)
		}
	}
	return look, nil
}
