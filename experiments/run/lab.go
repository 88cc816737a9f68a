package run

import (
	"context"
	"errors"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// PrepareLab builds what isolated machines start from, golden states
// included, for both runtimes, so that no run has to.
func PrepareLab(ctx context.Context, report func(Update)) error {
	cache, err := CacheDir()
	if err != nil {
		return err
	}
	report = oneAtATime(report)
	note := func(text string) { report(Update{Note: text}) }
	p := newIsolatedPlace(cache, nil)
	p.preparing = func(what Preparation) { report(Update{Preparing: &what}) }
	var all []spec.Settings
	for _, rt := range trial.Runtimes() {
		s := spec.Settings{Runtime: rt}
		if err := p.check(s); err != nil {
			return err
		}
		all = append(all, s)
	}
	return errors.Join(p.prepare(ctx, all, note), p.close())
}

// NeedsLab says whether experiments on this machine need a lab, and why not. It
// is an error that the user has named an engine that is not to be had: then
// neither is certain.
func NeedsLab(ctx context.Context) (why string, needed bool, err error) {
	found := machine.Look(ctx, trial.Runtimes()...)
	if err := found.Mistaken(); err != nil {
		return "", false, refused(err)
	}
	if len(found.Engines) > 0 {
		return "the user's own engine answers: " + found.String(), false, nil
	}
	return "", true, refused(found.Named())
}
