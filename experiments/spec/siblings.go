package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// fromImage finds the images that a line of a Dockerfile builds on.
var fromImage = regexp.MustCompile(`(?i)^\s*FROM\s+(?:--\S+\s+)*(\S+)|\s--from=(\S+)`)

// siblings refuses a Dockerfile that spells out the name of another image of
// the workload. A trial builds under names of its own, so that on a user's
// engine the name would lead to an image of the user's, or to none. A build
// argument whose value is that name is given the trial's.
func (r *resolver) siblings(images []Image) {
	for i, image := range images {
		if image.Context == "" {
			continue // the schema has reported that
		}
		text, err := os.ReadFile(filepath.Join(image.Context, filepath.FromSlash(image.Dockerfile)))
		if err != nil {
			continue // that has been said
		}
		line := 0
		for said := range strings.Lines(string(text)) {
			line++
			for _, m := range fromImage.FindAllStringSubmatch(said, -1) {
				for _, other := range images {
					if other.Tag != "" && m[1]+m[2] == other.Tag {
						r.problem(fmt.Sprintf("/images/%d/dockerfile", i), "line %d of %s builds on %s, another image of this workload, which each trial builds under a name of its own: "+
							"write ARG BASE and FROM ${BASE}, and give this image args: {BASE: %q}", line, image.Dockerfile, other.Tag, other.Tag)
					}
				}
			}
		}
	}
}
