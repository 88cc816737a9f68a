package run

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/results"
)

// On an engine, all that a trial makes has a name of its own, with the run's
// mark and the trial's ID in it: so it meets nothing of a user's, and can be
// found again.

// clusterName names a trial's cluster and its network. A node's name, which is
// longer, must be a host's: at most 63 characters.
func clusterName(mark, trialID string) string { return "stratbench-" + mark + "-" + trialID }

const imagePrefix = "stratbench.local/trial/"

// imageName names an image that a trial builds.
func imageName(mark, trialID, image string) string {
	return imagePrefix + mark + "-" + trialID + "/" + strings.ToLower(image) + ":latest"
}

// trialNames finds mark and trial in the name of a cluster or an image.
var trialNames = regexp.MustCompile(`^(?:stratbench-|` + regexp.QuoteMeta(imagePrefix) + `)(\d{8}-\d{6}-[0-9a-f]{6})-([a-z]\d+)(?:[-/]|$)`)

// markIn is the mark in a name, or empty for a name that is no trial's.
func markIn(name string) string { return part(name, 1) }

// trialIn is the trial's ID in a name.
func trialIn(name string) string { return part(name, 2) }

func part(name string, n int) string {
	if m := trialNames.FindStringSubmatch(name); m != nil {
		return m[n]
	}
	return ""
}

// nameImages gives the images of a trial their names on its engine, also where
// a build argument of one names another. What is pushed and pulled is named by
// its registry: the trial's own, or a user's, in which it has a tag of the run's
// own.
func (x *execution) nameImages(cfg *pipeline.Config) {
	tag := "stratbench-" + x.r.me.Mark + "-" + string(x.settings.Runtime)
	if state, ok := x.trial.Cell.Level(results.StateFactor); ok {
		tag += "-" + strings.Trim(results.StateFile(state, ""), "-")
	}
	for i, image := range cfg.Images {
		cfg.Images[i].Build = x.r.me.Mark + "-" + x.trial.ID + "-" + image.Name
		cfg.Images[i].Ref = imageName(x.r.me.Mark, x.trial.ID, image.Name)
		if cfg.Registry != "" {
			cfg.Images[i].Ref = strings.TrimSuffix(cfg.Registry, "/") + "/" + strings.ToLower(image.Name) + ":" + tag
		}
	}
	if x.do == jobPublish && x.settings.Registry.Prefix != "" {
		x.r.report(Update{Note: fmt.Sprintf("images with the tag %s are pushed to %s and stay there, because few registries let a client delete a tag", tag, cfg.Registry)})
	}
	for _, of := range cfg.Images {
		for arg, value := range of.Args {
			for _, named := range cfg.Images {
				if value == named.Tag {
					of.Args[arg] = named.Ref
				}
			}
		}
	}
}
