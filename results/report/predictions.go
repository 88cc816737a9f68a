package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/stats"
	"github.com/stratbench/stratbench/results/study"
)

// Predictions holds what was expected of builds, from what each image took alone
// in earlier runs, against what was measured then: by engine and strategy, over
// trials that neither created a cluster nor loaded images nor deployed beside their
// builds.
func Predictions(s study.Study) Table {
	t := Table{Title: "Predictions", Header: []string{"runtime", "strategy", "n", "predicted", "measured", "measured / predicted"}}
	type of struct{ runtime, strategy string }
	type pair struct{ predicted, measured float64 }
	pairs := map[of][]pair{}
	for _, o := range s.Trials {
		var with struct {
			Strategy     string             `json:"strategy"`
			ClusterStart trial.ClusterStart `json:"clusterStart"`
			Load         struct {
				When trial.LoadWhen `json:"when"`
			} `json:"load"`
			Deploy struct {
				When trial.DeployWhen `json:"when"`
			} `json:"deploy"`
		}
		built, ok := study.PhaseTime(o.Record, trial.PhaseBuild)
		if o.Record.Predicted == nil || !o.Ready || !ok || json.Unmarshal(o.Record.Settings, &with) != nil || with.ClusterStart == trial.ClusterWith || with.Load.When == trial.LoadAsBuilt || with.Deploy.When == trial.DeployAsLoaded {
			continue
		}
		key := of{o.Record.Machine.Runtime, with.Strategy}
		pairs[key] = append(pairs[key], pair{o.Record.Predicted.Build.Duration().Seconds(), built})
	}
	for _, key := range slices.SortedFunc(maps.Keys(pairs), func(a, b of) int {
		return cmp.Or(cmp.Compare(a.runtime, b.runtime), cmp.Compare(a.strategy, b.strategy))
	}) {
		var predicted, measured, ratios []float64
		for _, p := range pairs[key] {
			predicted, measured, ratios = append(predicted, p.predicted), append(measured, p.measured), append(ratios, p.measured/p.predicted)
		}
		t.Rows = append(t.Rows, []string{key.runtime, key.strategy, strconv.Itoa(len(ratios)),
			duration(study.Value(stats.Median(predicted))), duration(study.Value(stats.Median(measured))), fmt.Sprintf("%.2f", stats.Median(ratios))})
	}
	if len(t.Rows) > 0 {
		t.Notes = []string{"Medians of the phase build. Predicted before each trial from what builds took alone, with fair shares of the processors and nothing else that builds do to each other; above 1, they are in each other's way."}
	}
	return t
}
