package run

import (
	"context"
	"errors"

	"github.com/stratbench/stratbench/experiments"
	"github.com/stratbench/stratbench/internal/trial"
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

// NeedsLab says whether this machine needs a lab, and why it does not.
func NeedsLab(ctx context.Context) (why string, needed bool) {
	return "", true
}
