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

// Interim says whether a run may stop, after each block as often as one likes:
// when no decision is open. Until then the cells that no open decision asks for
// are retired.
func Interim(s study.Study) (results.Look, error) {
	a, err := Of(s, 0)
	if errors.Is(err, ErrNothingToChoose) || len(s.Trials) == 0 {
		return results.Look{}, nil
	}
	if err != nil {
		return results.Look{}, err
	}
	var open, ended []string
	for _, d := range a.Decisions {
		if d.Verdict == compare.Undecided {
			open = append(open, string(d.Situation))
		} else {
			ended = append(ended, fmt.Sprintf("%s, %s: %s", d.Situation, d.Environment, verdict(d)))
		}
	}
	if len(open) == 0 {
		return results.Look{Stopped: true, Reason: strings.Join(ended, "; ")}, nil
	}
	look := results.Look{}
	m := newMaterial(s)
	for _, c := range s.Cells {
		asked := func(d Decision) bool {
			if arm := m.arm(c); d.Verdict != compare.Undecided || !slices.Contains(d.Best, arm) || slices.Contains(d.Slower, arm) {
				return false
			}
			for factor, levels := range d.Where {
				if level, _ := c.Level(factor); !slices.Contains(levels, level) {
					return false
				}
			}
			return true
		}
		// A cell without a trial is none that was ruled out.
		if len(s.Of(c)) > 0 && !slices.ContainsFunc(a.Decisions, asked) {
			look.Retired = append(look.Retired, c)
		}
	}
	return look, nil
}

func verdict(d Decision) string {
	if d.Verdict == compare.None {
		return "no strategy works well enough"
	}
	return strings.Join(d.Best, " or ")
}
