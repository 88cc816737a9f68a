package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/stratbench/stratbench/experiments"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// PrepareLab builds what isolated machines start from, golden states
// included, for both runtimes, so that no run has to.
func PrepareLab(ctx context.Context, note func(string)) error {
	cache, err := CacheDir()
	if err != nil {
		return err
	}
	p := newIsolatedPlace(cache, nil)
	var all []experiments.Settings
	for _, rt := range trial.Runtimes() {
		s := experiments.Settings{Runtime: rt}
		if err := p.check(s); err != nil {
			return err
		}
		all = append(all, s)
	}
	return errors.Join(p.prepare(ctx, all, note), p.close())
}

// NeedsLab says whether experiments on this machine need a lab, and why not.
func NeedsLab(ctx context.Context) (why string, needed bool) {
	for _, rt := range trial.Runtimes() {
		if engines, err := machine.Engines(ctx, rt); err == nil {
			return fmt.Sprintf("%s runs at %s", rt, engines[rt]), false
		}
	}
	return "", true
}
