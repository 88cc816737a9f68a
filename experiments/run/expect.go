package run

import (
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
	"github.com/stratbench/stratbench/strategies"
)

// learnFrom is from how many earlier runs the demands of builds are learned: the
// newest in which an image was built alone. A strategy that adapts searches the
// newest lookBack runs for them; for a prediction alone, learnFrom runs are read.
const learnFrom, lookBack = 5, 50

// expect learns the demands of builds from earlier runs of the workload on this
// host, below root, and keeps them with the run. Strategies that adapt use them,
// the same in all trials of the run, and so do predictions.
func (r *runner) expect(root string) error {
	builds, adapts := false, false // by stratbench, and by the machine's memory
	for _, cell := range r.plan.Cells {
		c, err := r.cell(cell)
		if err != nil {
			return err
		}
		if len(c.workload.Images) > 0 {
			builds, adapts = builds || c.workload.Setup == nil, adapts || c.strategy.Adapts
		}
	}
	if !builds && !adapts {
		return nil
	}
	dirs, err := results.Runs(root)
	if err != nil {
		return err
	}
	var alone []results.Expected
	runs, read := 0, 0
	for _, dir := range slices.Backward(dirs[max(0, len(dirs)-lookBack):]) {
		env, err := results.ReadEnvironment(dir)
		if err != nil || env.WorkloadHash != r.env.WorkloadHash || env.HostID != r.env.HostID || env.RunID == r.env.RunID {
			continue
		}
		read++
		run, err := results.ReadRun(dir)
		if err != nil {
			if adapts {
				r.report.note("nothing is learned from %s: %v", dir, err)
			}
			continue
		}
		before := len(alone)
		for _, rec := range run.Trials() {
			alone = append(alone, study.BuildsAlone(rec)...)
		}
		if len(alone) > before {
			runs++
		}
		if runs == learnFrom || !adapts && read == learnFrom {
			break
		}
	}
	r.builds = study.Likely(alone)
	if len(r.builds) == 0 && adapts {
		r.report.note("no earlier run of this workload on this host has built an image alone: strategy adaptive uses the weights of the images")
	}
	return r.journal.WriteOnce(results.ExpectedFile, r.builds)
}

// Demands are what a runtime's builds are expected to take, by image.
func Demands(builds []results.Expected, runtime trial.Runtime, noCache bool) map[string]strategies.Demand {
	of := map[string]strategies.Demand{}
	for _, e := range builds {
		if e.Runtime == runtime && e.NoCache == noCache && e.CPU > 0 {
			of[e.Image] = strategies.Demand{Takes: e.Takes.Duration(), CPU: e.CPU.Duration(), Peak: int64(e.Peak)}
		}
	}
	return of
}
