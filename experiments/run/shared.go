package run

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/dockerfile"
)

// checkShared reports why the common stages of a cell cannot be built first.
func checkShared(p place, c resolved) error {
	switch {
	case !c.strategy.Shares || len(c.workload.Images) == 0:
		return nil
	case c.workload.Setup != nil:
		return fmt.Errorf("strategy %s: the set-up command builds by itself, and which stages its images have in common is not known; leave the strategy out, or have the command share stages under a strategy of your own, which it gets as {{strategy}}", c.settings.Strategy)
	case outOfOrder(c) != nil:
		return nil // checkSchedule reports it
	}
	common, err := inCommon(p, c)
	if err != nil {
		return nil // the inspection of the images reports it
	}
	return nothingShared(c, common)
}

// inCommon finds the stages that images with a Dockerfile have in common, with the build
// arguments that they get on a place.
func inCommon(p place, c resolved) (dockerfile.Common, error) {
	var builds []runtimes.Build
	for _, i := range c.workload.FromDockerfiles() {
		builds = append(builds, runtimes.Build{Context: i.Context, Dockerfile: i.Dockerfile, Contexts: i.Contexts, Target: i.Target, Platform: i.Platform,
			Args: buildArgs(p, i, c.settings), Secrets: i.Secrets, SSH: i.SSH})
	}
	return dockerfile.InCommon(builds, c.settings.Runtime)
}

// nothingShared reports that images have no stage in common, and how near they come.
func nothingShared(c resolved, common dockerfile.Common) error {
	if len(common.Stages) > 0 {
		return nil
	}
	near := "no two images have a stage with a name that runs or copies anything"
	if d := common.Nearest; d != nil {
		differ := fmt.Sprintf("%s (%s), and %s (%s)", d.Parts[0], d.Places[0], d.Parts[1], d.Places[1])
		if d.Parts[0] == d.Parts[1] {
			differ = fmt.Sprintf("%s (%s)", d.Parts[0], strings.Join(slices.Compact(d.Places[:]), " and "))
		}
		images := c.workload.FromDockerfiles()
		near = fmt.Sprintf("stage %s of %s and stage %s of %s are the most alike, and differ first in: %s",
			d.Stages[0], images[d.Builds[0]].Name, d.Stages[1], images[d.Builds[1]].Name, differ)
	}
	return fmt.Errorf("strategy %s: no stage is the same in two images, so nothing can be built once: %s; begin the Dockerfiles with one stage of the same text (FROM … AS build), with the same context and arguments, that builds what each image then copies, or leave the strategy out",
		c.settings.Strategy, near)
}

// common are the stages that a trial builds before its images. The build of each is
// that of the first image that needs it, up to the stage.
func (x *execution) common(images []pipeline.Image) (stages []pipeline.Image, err error) {
	found, err := inCommon(x.place, x.resolved)
	if err == nil {
		err = nothingShared(x.resolved, found)
	}
	images = slices.DeleteFunc(slices.Clone(images), func(i pipeline.Image) bool { return len(i.Command) > 0 })
	for _, s := range found.Stages {
		if s.Within {
			continue
		}
		stage := images[s.First]
		stage.Name, stage.Tag, stage.Tags, stage.Ref, stage.Target = "", "", nil, "", s.Names[s.First]
		stage.Build += "." + stage.Target // no name of an image has a dot
		stages = append(stages, stage)
	}
	return stages, err
}

// Sharing is what the images of a workload have in common, and how much of the work of
// building them it is.
type Sharing struct {
	Stages []SharedStage `json:"stages"`
	// Steps are those of all images together (RUN, COPY and ADD), Common those of
	// them that are in common stages, and Saved those that are not done again if each
	// common stage is built once.
	Steps  int `json:"steps"`
	Common int `json:"common_steps"`
	Saved  int `json:"saved_steps"`
	// Run is the newest run that shows how long the steps take, if there is one, and
	// CommonShare and SavedShare are the same as shares of their time.
	Run         string  `json:"run,omitempty"`
	CommonShare float64 `json:"common_share,omitempty"`
	SavedShare  float64 `json:"saved_share,omitempty"`
}

// SharedStage is a stage that is built once, and the images that need it.
type SharedStage struct {
	Name   string   `json:"name"`
	Images []string `json:"images"`
}

// Shared returns what images have in common in the cells whose strategy shares stages,
// each once, by the Dockerfiles and the runs. Cells for which this is not known are left
// out: Inspect reports why.
func Shared(s *spec.Spec, cells []trial.Cell, runs []results.Run) (all []Sharing) {
	for _, cell := range cells {
		c, err := resolve(s, cell)
		if err != nil || !c.strategy.Shares || c.workload.Setup != nil {
			continue
		}
		// Arguments that all images get on a place make no difference.
		common, err := inCommon(&borrowedPlace{}, c)
		if err != nil || len(common.Stages) == 0 {
			continue
		}
		sharing := sharingOf(c.workload, common, runs)
		if !slices.ContainsFunc(all, func(other Sharing) bool { return reflect.DeepEqual(other, sharing) }) {
			all = append(all, sharing)
		}
	}
	return all
}

// sharingOf has its shares of time from the newest run of the workload that shows them.
func sharingOf(w spec.Workload, common dockerfile.Common, runs []results.Run) Sharing {
	sharing, images := Sharing{Steps: common.Steps}, w.FromDockerfiles()
	for _, stage := range common.Stages {
		sharing.Common += stage.Steps * len(stage.Names)
		sharing.Saved += stage.Steps * (len(stage.Names) - 1)
		if stage.Within {
			continue
		}
		built := SharedStage{Name: stage.Names[stage.First]}
		for n, i := range images {
			if _, needs := stage.Names[n]; needs {
				built.Images = append(built.Images, i.Name)
			}
		}
		sharing.Stages = append(sharing.Stages, built)
	}
	for _, r := range slices.Backward(runs) {
		if r.Environment.WorkloadHash != w.SHA256 {
			continue
		}
		var all, shared, saved float64
		for _, rec := range r.Trials() {
			times := study.StageTimes(rec)
			for _, stages := range times {
				for _, seconds := range stages {
					all += seconds
				}
			}
			for _, stage := range common.Stages {
				took := 0.0
				for n, name := range stage.Names {
					took += times[images[n].Name][name]
				}
				shared, saved = shared+took, saved+took-took/float64(len(stage.Names))
			}
		}
		if all > 0 {
			sharing.Run, sharing.CommonShare, sharing.SavedShare = r.ID(), shared/all, saved/all
			break
		}
	}
	return sharing
}
