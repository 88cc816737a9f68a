package report

import (
	"strconv"

	"github.com/stratbench/stratbench/results/analyse"
)

var tidyDecisionHeader = []string{"group", "arm", "n", "failed", "time_to_ready_seconds", "lower", "upper", "infinite",
	"p_best_jeffreys", "p_best_uniform", "p_best_sceptical", "p_best_erratic", "expected_regret_seconds",
	"not_beaten", "failure_limit", "recommended", "verdict", "more_blocks"}

// tidyChoice has a row an arm, those that were not run with n = 0.
func tidyChoice(c analyse.Choice) (rows [][]string) {
	for i, a := range c.Arms {
		row := []string{c.Group.Key(), a.Arm.Key(), strconv.Itoa(a.Ready.Trials), strconv.Itoa(a.Failed.Events),
			number(a.Cost.Mean), number(a.Cost.Interval.Lower), number(a.Cost.Interval.Upper), yes(a.Cost.Infinite)}
		for k := range 4 {
			best := undefined
			if k < len(a.Best) {
				best = a.Best[k].Probability
			}
			row = append(row, number(best))
		}
		rows = append(rows, append(row, number(a.Regret), yes(a.NotBeaten), string(a.Limit), yes(i == c.Recommended), string(c.Kind), strconv.Itoa(c.MoreBlocks)))
	}
	for _, arm := range c.NotRun {
		row := make([]string, len(tidyDecisionHeader))
		row[0], row[1], row[2] = c.Group.Key(), arm.Key(), "0"
		row[len(row)-3], row[len(row)-2] = yes(false), string(analyse.NoTrials)
		rows = append(rows, row)
	}
	return rows
}
