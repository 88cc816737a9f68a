// Package trial is the vocabulary of an experiment: what is varied (Factor,
// Level, Cell), what is executed (Trial), what is measured (Phase, Span,
// Sample), how it ended (Verdict, with Outcome and Cause) and what shows that
// (Evidence). It knows nothing of engines or files.
package trial

import (
	"fmt"
	"strings"
)

// ImageContextPrefix begins a further build context that is an image.
const ImageContextPrefix = "docker-image://"

// ImageContext returns the image that a further build context names, as Docker's command
// does: docker-image://golang:1.26. It is false for a folder.
func ImageContext(context string) (ref string, is bool) {
	return strings.CutPrefix(context, ImageContextPrefix)
}

// Factor is one thing that an experiment varies, for example "memory".
type Factor struct {
	Name   string  `json:"name"`
	Levels []Level `json:"levels"`
}

// Level is one value of a factor. Name is the value as the user wrote it ("12.5GiB"),
// which tables and plots print. Value is the same after decoding.
type Level struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// Assignment is the level of a factor in a cell, by name.
type Assignment struct {
	Factor string `json:"factor"`
	Level  string `json:"level"`
}

// Cell is one combination: a level for every factor, in the spec's order of
// factors.
type Cell []Assignment

// Level returns the name of the level that the cell gives the factor.
func (c Cell) Level(factor string) (string, bool) {
	for _, a := range c {
		if a.Factor == factor {
			return a.Level, true
		}
	}
	return "", false
}

// Key identifies the cell in files and in sorting: "runtime=podman memory=7GiB".
func (c Cell) Key() string {
	parts := make([]string, len(c))
	for i, a := range c {
		parts[i] = a.Factor + "=" + a.Level
	}
	return strings.Join(parts, " ")
}

// String prints the levels alone, for people: "podman 7GiB serial".
func (c Cell) String() string {
	parts := make([]string, len(c))
	for i, a := range c {
		parts[i] = a.Level
	}
	return strings.Join(parts, " ")
}

// NoFault is the level of the factor fault with which nothing is broken.
const NoFault = "none"

// Broken reports whether the cell's trials are broken on purpose. A study leaves such
// trials out.
func (c Cell) Broken() bool {
	level, varied := c.Level("fault")
	return varied && level != NoFault && level != ""
}

// Trial is one planned execution of one cell.
type Trial struct {
	// ID is unique within a run and sorts in planned order: "t007".
	ID string `json:"id"`
	// Cell is what this trial runs.
	Cell Cell `json:"cell"`
	// Block is the number of the randomised block, from 1. It is 0 for warm-ups and
	// preparations, which are in no block.
	Block int `json:"block"`
	// Replicate is the number of the trial among those of its cell, from 1. It is 0 for a
	// warm-up.
	Replicate int `json:"replicate"`
	// Position is the place in the order of the whole run, from 1.
	Position int `json:"position"`
	// WarmUp is true for a trial that is recorded and never analysed.
	WarmUp bool `json:"warm_up,omitempty"`
}

func (t Trial) String() string {
	switch {
	case t.WarmUp:
		return fmt.Sprintf("%s warm-up [%s]", t.ID, t.Cell)
	case t.Block == 0:
		return fmt.Sprintf("%s preparation [%s]", t.ID, t.Cell)
	}
	return fmt.Sprintf("%s block %d [%s]", t.ID, t.Block, t.Cell)
}
