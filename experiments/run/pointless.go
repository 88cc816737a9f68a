package run

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/stratbench/stratbench/internal/trial"
)

// pointlessError means that levels of a cell make no sense together.
type pointlessError struct {
	// of are the settings with these levels.
	of   []string
	text string
}

func (e *pointlessError) Error() string { return e.text }

func pointless(one, other, format string, args ...any) error {
	return &pointlessError{[]string{one, other}, fmt.Sprintf(format, args...)}
}

// leaveOut is how the spec leaves out the cells with these levels. It is empty if fewer
// than two of them are varied: then the message itself has the cure.
func (e *pointlessError) leaveOut(cell trial.Cell) string {
	levels := levelsOf(cell, e.of)
	if len(levels) < 2 {
		return ""
	}
	var entry yaml.Node
	_ = entry.Encode(levels) // never fails for texts
	entry.Style = yaml.FlowStyle
	text, _ := yaml.Marshal(&entry)
	return fmt.Sprintf("; to leave such cells out, write leaveOut: [%s] under design", strings.TrimSpace(string(text)))
}

// levelsOf are the levels of a cell of those settings that are varied.
func levelsOf(cell trial.Cell, settings []string) trial.Levels {
	levels := trial.Levels{}
	for _, setting := range settings {
		if level, varied := cell.Level(setting); varied {
			levels[setting] = level
		}
	}
	return levels
}

// idle are settings whose levels may do nothing beside each other, and why.
var idle = []struct {
	of  []string
	why string
}{
	{[]string{"build.cache", "build.cacheStart"}, "a build cache that is none, or local and cold, has nothing in it"},
	{[]string{"load.together", "load.when", "load.path"}, "images that are loaded as they are built, or pulled by the nodes, travel one by one"},
}

// effectOf is the same for cells that differ only in levels that do nothing.
func effectOf(c resolved) string {
	s, others := c.settings, slices.Clone(c.Cell)
	for _, group := range idle {
		others = slices.DeleteFunc(others, func(a trial.Assignment) bool { return slices.Contains(group.of, a.Factor) })
	}
	cache := s.Build.Cache
	if !s.Build.Warm() && cache != trial.CacheRegistry {
		cache = ""
	}
	together := s.Load.Together && s.Load.When != trial.LoadAsBuilt && s.Load.Path != trial.LoadNodePull
	return fmt.Sprintf("%s\n%q %v %q %q %v", others.Key(), cache, s.Build.Warm(), s.Load.When, s.Load.Path, together)
}

// plainest finds the cell to keep of those with the same effect: the first one without a
// build cache, or else the first one.
func (r *runner) plainest() map[string]trial.Cell {
	kept, cached := map[string]trial.Cell{}, map[string]bool{}
	for _, cell := range r.plan.Cells {
		c, err := r.cell(cell)
		if err != nil {
			continue // preflight reports it
		}
		effect, used := effectOf(c), c.settings.Build.Cache.Used()
		if _, known := kept[effect]; !known || cached[effect] && !used {
			kept[effect], cached[effect] = cell, used
		}
	}
	return kept
}

// sameAs reports a cell that does what another one does, which is kept.
func sameAs(kept, cell trial.Cell) error {
	for _, group := range idle {
		of := levelsOf(kept, group.of)
		for _, setting := range group.of {
			if level, varied := cell.Level(setting); varied && level != of[setting] {
				return &pointlessError{group.of, fmt.Sprintf("%s %s: %s, so this does what %s does, and one of the two is enough", setting, level, group.why, of)}
			}
		}
	}
	return nil
}
