package spec

import (
	"fmt"

	"github.com/stratbench/stratbench/internal/trial"
)

// Cell returns the settings and the workload of a cell: the spec's own, with
// the cell's levels in their places. A factor that the cell does not have
// keeps the spec's setting. The error names the factor or level that the spec
// does not know; for the cells of a loaded spec's plan there is none.
func (s *Spec) Cell(cell trial.Cell) (Settings, Workload, error) {
	var settings, workload any
	if err := decode(s.Settings, &settings); err != nil {
		return Settings{}, Workload{}, err
	}
	if err := decode(s.Workload, &workload); err != nil {
		return Settings{}, Workload{}, err
	}
	for _, a := range cell {
		level, err := s.level(a)
		if err != nil {
			return Settings{}, Workload{}, err
		}
		place, err := findSetting(a.Factor)
		if err != nil {
			return Settings{}, Workload{}, err
		}
		doc := &settings
		if place.ofWorkload {
			doc = &workload
		}
		if *doc, err = place.put(*doc, level.Value); err != nil {
			return Settings{}, Workload{}, fmt.Errorf("factor %s: %w", a.Factor, err)
		}
	}
	return s.decodeCell(cell, settings, workload)
}

func (s *Spec) decodeCell(cell trial.Cell, settings, workload any) (Settings, Workload, error) {
	decodedSettings, decodedWorkload := defaultSettings(), defaultWorkload()
	if err := decode(settings, &decodedSettings); err != nil {
		return Settings{}, Workload{}, fmt.Errorf("cell %s: %w", cell.Key(), err)
	}
	if err := decode(workload, &decodedWorkload); err != nil {
		return Settings{}, Workload{}, fmt.Errorf("cell %s: %w", cell.Key(), err)
	}
	w := &decodedWorkload
	w.Path, w.Dir, w.SHA256 = s.Workload.Path, s.Workload.Dir, s.Workload.SHA256
	if problems := w.resolve(); len(problems) > 0 {
		return Settings{}, Workload{}, fmt.Errorf("cell %s: %s", cell.Key(), problems[0].message)
	}
	return decodedSettings, decodedWorkload, nil
}

func (s *Spec) level(a trial.Assignment) (trial.Level, error) {
	for _, factor := range s.Factors {
		if factor.Name != a.Factor {
			continue
		}
		for _, level := range factor.Levels {
			if level.Name == a.Level {
				return level, nil
			}
		}
		return trial.Level{}, fmt.Errorf("factor %s has no level %q; see the spec for those it has", a.Factor, a.Level)
	}
	return trial.Level{}, fmt.Errorf("the spec has no factor %q", a.Factor)
}
