package plan

import (
	"strings"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
)

// warmUps are the cells that run first, Design.WarmUp times for each engine:
// the first trials after a boot read everything from the disk, and take more
// than twice as long as those that follow.
func warmUps(spec *spec.Spec, cells []trial.Cell) []trial.Cell {
	var engines []string
	gentlest := map[string]trial.Cell{}
	for _, cell := range cells {
		engine := engineOf(cell)
		best, known := gentlest[engine]
		if !known {
			engines = append(engines, engine)
		}
		if !known || memoryOf(spec, cell) > memoryOf(spec, best) {
			gentlest[engine] = cell
		}
	}
	var all []trial.Cell
	for range spec.Design.WarmUp {
		for _, engine := range engines {
			all = append(all, gentlest[engine])
		}
	}
	return all
}

// engineOf names what reads files of its own: an engine, a version of it, and
// that of a state where states are compared.
func engineOf(cell trial.Cell) string {
	var names []string
	for _, factor := range []string{"runtime", "engine", "state"} {
		level, _ := cell.Level(factor)
		names = append(names, level)
	}
	return strings.Join(names, "\x00")
}

// memoryOf is the memory that the cell's level stands for, 0 when memory is no
// factor. Warm-ups take the most, and then the cell that the spec has first,
// since a warm-up that crashes warms little.
func memoryOf(spec *spec.Spec, cell trial.Cell) trial.Bytes {
	name, ok := cell.Level("memory")
	if !ok {
		return 0
	}
	for _, factor := range spec.Factors {
		for _, level := range factor.Levels {
			if n, isBytes := level.Value.(trial.Bytes); isBytes && factor.Name == "memory" && level.Name == name {
				return n
			}
		}
	}
	return 0
}
