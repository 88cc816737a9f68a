package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/stratbench/stratbench/internal/trial"
)

// Hooks are commands by phase.
type Hooks map[trial.Phase]Hook

// Hook are the commands before and after a phase. They are part of it: of its
// time, in spans of their own, of its limits and of its outcome.
type Hook struct {
	// Before and After are a program and its arguments each. Their environment has
	// what that of the test command has.
	Before []string `json:"before,omitempty" jsonschema:"minItems=1"`
	After  []string `json:"after,omitempty" jsonschema:"minItems=1"`
}

// hooks looks at the commands before and after phases.
func (r *resolver) hooks(w *Workload) {
	for _, phase := range slices.Sorted(maps.Keys(w.Hooks)) {
		at := pointerTo("hooks", string(phase))
		if w.Setup != nil && phase != trial.PhaseTest {
			r.problem(at, "the set-up command does the phase %s, and has no hooks; do it in the command, or take the hook out", phase)
		}
		for key, args := range map[string][]string{"before": w.Hooks[phase].Before, "after": w.Hooks[phase].After} {
			if len(args) > 0 && args[0] == "" {
				r.problem(at+"/"+key+"/0", "the command has no name; write the program first")
			}
		}
	}
}

// preload resolves the images that are loaded and not built.
func (r *resolver) preload(w *Workload) {
	seen := map[string]bool{}
	for i, entry := range w.Preload {
		at := fmt.Sprintf("/preload/%d", i)
		if IsArchive(entry) {
			w.Preload[i] = r.file(at, entry)
		} else if _, err := name.ParseReference(entry); err != nil {
			r.problem(at, "%q is neither the reference of an image nor the path of an archive, which ends in .tar: %v; write one such as docker.io/library/postgres:17", entry, err)
		}
		if seen[w.Preload[i]] {
			r.problem(at, "%s is listed twice; remove one", entry)
		}
		seen[w.Preload[i]] = true
	}
}

// IsArchive says whether an entry of preload is an archive.
func IsArchive(entry string) bool { return strings.HasSuffix(entry, ".tar") }
