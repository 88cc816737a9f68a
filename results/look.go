package results

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stratbench/stratbench/internal/trial"
)

// Look is what was decided before a block of a run that stops by what its
// trials show. One that decided something has a file of its own in the run's
// folder.
type Look struct {
	// Block is the block that would have come next.
	Block int `json:"block"`
	// Stopped ends the run; Reason says why.
	Stopped bool   `json:"stopped"`
	Reason  string `json:"reason"`
	// Retired are cells that are not run again.
	Retired []trial.Cell `json:"retired"`
}

// LookFile is the name of the file of a look.
func LookFile(block int) string { return fmt.Sprintf("look-block-%03d.json", block) }

// readLooks reads a run's looks in order of blocks.
func readLooks(dir string) (looks []Look, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "look-block-*.json"))
	if err != nil {
		return nil, fmt.Errorf("listing the looks of %s: %w", dir, err)
	}
	for _, name := range names {
		var l Look
		text, err := os.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(text, &l)
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		looks = append(looks, l)
	}
	return looks, nil
}
