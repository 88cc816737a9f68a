package run

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
	"github.com/stratbench/stratbench/strategies"
)

// prepare prepares what trials start from, which is not part of their time.
func (r *runner) prepare(ctx context.Context) error {
	all, err := r.settingsOf()
	if err != nil {
		return err
	}
	for _, p := range r.distinct {
		if err := p.prepare(ctx, all); err != nil {
			return err
		}
	}
	r.oci = map[string]http.Handler{}
	for _, preparation := range []func(context.Context) error{r.preload, r.preboot, r.fillCaches, r.publish} {
		if err := preparation(ctx); err != nil {
			return err
		}
	}
	return nil
}

// preload fetches the images that trials load and do not build, so that a registry
// that fails costs no trial.
func (r *runner) preload(ctx context.Context) error {
	r.archives = map[string]pipeline.Archive{}
	for _, spec := range r.specs() {
		for _, entry := range spec.Workload.Preload {
			if _, known := r.archives[entry]; known {
				continue
			}
			r.report.preparing(Preparation{What: "fetching the image " + entry})
			archive, err := archiveOf(ctx, r.cache, entry)
			if err != nil {
				return fmt.Errorf("%w: the image %s, which trials load: %w; correct its name, log in to its registry, or save it to an archive (docker save) and name that under preload", ErrNoneReady, entry, err)
			}
			r.archives[entry] = archive
		}
	}
	return nil
}

// preboot makes the states of the store from which trials with cluster: prebooted
// start, unless they are there. Each is a recorded preparation.
func (r *runner) preboot(ctx context.Context) error {
	r.prebooted = map[string]string{}
	return r.prepareEach(ctx, pipeline.Preboot, func(c resolved) (string, error) {
		if c.settings.Cluster != trial.ClusterPrebooted {
			return "", nil
		}
		state, there, err := r.places[c.settings.Runtime].(*isolatedPlace).prebooted(c, r.started) // no other place accepts the setting
		r.prebooted[c.Key()] = state
		if there {
			return "", err
		}
		return state, err
	})
}

// fillCaches fills the build caches that trials with a warm one find, each once: the
// engine's own, kept in the store, or one in a registry. All of them go with the run.
// Each is a recorded preparation.
func (r *runner) fillCaches(ctx context.Context) error {
	r.caches = map[string]string{}
	return r.prepareEach(ctx, pipeline.Fill, func(c resolved) (name string, err error) {
		s := c.settings
		if !s.Build.Warm() {
			return "", nil
		}
		// All that goes into the builds, and what their machine starts from.
		of, _ := json.Marshal([]any{s.Runtime, s.Engine, s.Machine, s.Build, c.workload.Images, r.prebooted[c.Key()]}) // was read from JSON
		name = cachePrefix + sumOf(of)[:16]
		r.caches[c.Key()] = name
		if s.Build.Cache == trial.CacheRegistry && r.oci[name] == nil {
			r.oci[name], err = r.newRegistry(name)
		}
		return name, err
	})
}

// publish builds and pushes the images that strategies pull, once for each runtime, state
// and what is built. Each is a recorded preparation.
func (r *runner) publish(ctx context.Context) error {
	return r.prepareEach(ctx, pipeline.Publish, func(c resolved) (name string, err error) {
		if c.workload.Setup != nil || len(c.workload.Images) == 0 || !c.strategy.Pull {
			return "", nil
		}
		state, _ := c.Level(results.StateFactor)
		if r.oci[state] == nil {
			r.oci[state], err = r.newRegistry(results.StateFile(state, "registry"))
		}
		return string(c.settings.Runtime) + " " + state + " " + imagesOf(c), err
	})
}

// imagesOf names what is built for a cell: images and their arguments may be factors.
func imagesOf(c resolved) string {
	of, _ := json.Marshal([]any{c.workload.Images, c.settings.Build.Args}) // was read from JSON
	return sumOf(of)[:8]
}

// newRegistry returns an empty registry, whose layers are in a folder of the scratch.
func (r *runner) newRegistry(folder string) (http.Handler, error) {
	blobs, err := r.scratch.sub(folder)
	if err != nil {
		return nil, fmt.Errorf("creating a folder for the registry: %w", err)
	}
	return registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithBlobHandler(registry.NewDiskBlobHandler(blobs))), nil
}

// makers returns, for each thing that the remaining trials start from, the cell that makes
// it: of the cells that need the thing, the one with the most memory. needs names the
// thing that a cell needs, or is empty.
func (r *runner) makers(needs func(resolved) (string, error)) (makers []resolved, err error) {
	var things []string
	seen := map[string]bool{}
	for _, t := range r.plan.Trials {
		if r.done[t.ID] || seen[t.Cell.Key()] {
			continue
		}
		seen[t.Cell.Key()] = true
		c, err := r.cell(t.Cell)
		if err != nil {
			return nil, err
		}
		thing, err := needs(c)
		if err != nil {
			return nil, err
		}
		switch i := slices.Index(things, thing); {
		case thing == "":
		case i < 0:
			things, makers = append(things, thing), append(makers, c)
		case c.settings.Memory > makers[i].settings.Memory:
			makers[i] = c
		}
	}
	return makers, nil
}

// prepareEach does a preparation for each thing that trials start from, on a machine of
// the cell that makes it.
func (r *runner) prepareEach(ctx context.Context, do pipeline.Task, needs func(resolved) (string, error)) error {
	makers, err := r.makers(needs)
	if err != nil {
		return err
	}
	for i, c := range makers {
		record, err := r.one(ctx, trial.Trial{ID: fmt.Sprintf("%s%03d", preparations[do].id, i+1), Cell: c.Cell}, do)
		if err != nil {
			return err
		}
		if record.Verdict.Outcome != trial.OK {
			return unprepared(do, record.Verdict, r.log(record))
		}
	}
	return nil
}

// unprepared is the error of a preparation that failed. Unless stratbench itself
// failed, no trial would become ready either.
func unprepared(do pipeline.Task, v trial.Verdict, log string) error {
	err := fmt.Errorf("%s: %s: %s; its log is %s", preparations[do].what, v.Outcome, v.InShort(), log)
	if v.Outcome == trial.RunnerFault {
		return err
	}
	return fmt.Errorf("%w: %w", ErrNoneReady, err)
}

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
