package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/host"
)

// Remnant is something that a killed run left on an engine of the user's or on
// this host.
type Remnant struct {
	// Place is the engine or the folder that it is in.
	Place string `json:"place"`
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	// Run is the run that left it, or the beginning of its name.
	Run string `json:"run"`
	// Stays is why Clean does not remove it; empty if it does.
	Stays string `json:"stays"`
}

// Clean lists what killed runs left on this host and on the user's engines that
// answer, and removes it if remove is true: only what a ledger of this host or the
// lock on the engine proves to be a killed run's. It touches nothing of a live run.
func Clean(ctx context.Context, remove bool, report func(Update)) (all []Remnant, err error) {
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	for _, path := range neverBegun(cache, remove) { // before the ledgers of an engine are read, which removes them
		all = append(all, Remnant{Place: "this host", Kind: "ledger", Name: path})
	}
	known := map[string]bool{}
	engines := machine.Look(ctx, trial.Runtimes()...)
	for _, rt := range trial.Runtimes() {
		if err := engines.Missing[rt]; err != nil {
			reporter(report).note("not looked at: %v", err)
			continue
		}
		p := &borrowedPlace{of: machine.Host, engine: engines.Engines[rt], cache: cache, report: report}
		found, dir, err := p.remnants(ctx)
		known[dir] = true
		all = append(all, found...)
		if err == nil && remove {
			if err = p.clean(ctx); err == nil {
				found, _, err = p.remnants(ctx)
				stay(all, found)
			}
		}
		if err != nil {
			return all, err
		}
	}
	dirs, err := filepath.Glob(ledgers(cache, "*"))
	if err != nil {
		return all, err
	}
	for _, dir := range dirs { // of engines that do not answer here
		if info, err := os.Stat(dir); known[dir] || err != nil || !info.IsDir() {
			continue
		}
		owed, err := readLedgers(dir)
		for _, l := range owed.killed {
			all = append(all, Remnant{Place: fmt.Sprintf("%s at %s", l.debt.Runtime, l.debt.Address), Kind: "trial", Name: l.debt.Trial,
				Run: l.debt.Run, Stays: elsewhere})
			l.close()
		}
		all = append(all, owed.unreadable(filepath.Base(dir), elsewhere)...)
		if err != nil {
			return all, err
		}
	}
	for _, dir := range ofKilled(filepath.Join(cache, scratchPrefix+"*"), 0, remove) {
		all = append(all, Remnant{Place: "this host", Kind: "folder", Name: dir})
	}
	return all, nil
}

// elsewhere is why something stays on an engine that was not found.
const elsewhere = "that engine is not the one that answers now"

// unreadable lists the damaged ledgers. A name that stratbench gave says which run left
// the ledger.
func (o owed) unreadable(place, stays string) (found []Remnant) {
	for _, path := range o.damaged {
		r := Remnant{Place: place, Kind: "ledger", Name: path, Run: markOfFile(path), Stays: stays}
		if r.Run == "" {
			r.Stays = "it cannot be read, and its name says no trial: look at it and remove it"
		}
		found = append(found, r)
	}
	return found
}

// stay corrects the list after a removal: what was found again stays.
func stay(all, again []Remnant) {
	for i, r := range all {
		if r.Stays == "" && slices.ContainsFunc(again, func(a Remnant) bool { return a.Place == r.Place && a.Kind == r.Kind && a.Name == r.Name }) {
			all[i].Stays = "something uses it, as said above"
		}
	}
}

// clean removes what killed runs left on the engine, while it holds the lock.
func (p *borrowedPlace) clean(ctx context.Context) error {
	if err := p.claim(ctx, newHolder("clean")); err != nil {
		return err
	}
	m, err := host.Open(p.engine)
	if err == nil {
		err = p.settleOld(ctx, m)
	}
	return errors.Join(err, p.close())
}

// remnants lists what killed runs left on the engine, and returns the folder of
// its ledgers.
func (p *borrowedPlace) remnants(ctx context.Context) (found []Remnant, dir string, err error) {
	info, contents, err := onEngine(ctx, p.engine)
	if err != nil {
		return nil, "", err
	}
	dir = ledgers(p.cache, info.ID)
	owed, err := readLedgers(dir)
	place, by := fmt.Sprintf("%s at %s", p.engine.Runtime, p.engine), lockOf(contents)
	dead := by.Mark != "" && by.dead(newHolder(""))
	if by.Mark != "" {
		r := Remnant{Place: place, Kind: "lock", Name: lockVolume, Run: by.Run}
		if !dead {
			r.Stays = "held by " + by.String()
		}
		found = append(found, r)
	}
	provenBy := func(mark string) string {
		switch {
		case mark == by.Mark && !dead, slices.ContainsFunc(owed.live, func(d debt) bool { return d.Mark == mark }):
			return "its run is not known to have ended"
		case mark == by.Mark, slices.ContainsFunc(owed.killed, func(l *ledger) bool { return l.debt.Mark == mark }),
			slices.ContainsFunc(owed.damaged, func(path string) bool { return markOfFile(path) == mark }):
			return ""
		}
		return "this host has no record of its run"
	}
	for kind, names := range namesIn(contents) {
		for _, name := range names {
			if mark, _ := trialOf(name); mark != "" {
				found = append(found, Remnant{Place: place, Kind: kind, Name: name, Run: mark, Stays: provenBy(mark)})
			}
		}
	}
	for _, l := range owed.killed {
		for _, i := range contents.Images {
			if l.debt.made(i) {
				found = append(found, Remnant{Place: place, Kind: "image of a build's step", Name: string(i.ID), Run: l.debt.Run, Stays: provenBy(l.debt.Mark)})
			}
		}
		l.close()
	}
	found = append(found, owed.unreadable(place, "")...)
	slices.SortFunc(found, func(a, b Remnant) int { return strings.Compare(a.Kind+a.Name, b.Kind+b.Name) })
	return slices.Compact(found), dir, err
}

// namesIn lists the names on an engine that a trial may have given, by what they
// name.
func namesIn(c runtimes.Contents) map[string][]string {
	names := map[string][]string{"cluster": slices.Collect(maps.Keys(clustersIn(c)))}
	for _, o := range c.Networks {
		names["network"] = append(names["network"], o.Name)
	}
	for _, i := range c.Images {
		names["image"] = append(names["image"], i.Names...)
	}
	return names
}

// debtsByName are the debts of runs without a readable ledger: whatever carries one of
// their marks is removed. Images only lose those names, because it is not known which of
// them were there before the run, so had lists them all.
func debtsByName(had debt, c runtimes.Contents, marks []string) []debt {
	byTrial := map[string]debt{}
	for kind, names := range namesIn(c) {
		for _, name := range names {
			mark, id := trialOf(name)
			if mark == "" || !slices.Contains(marks, mark) {
				continue
			}
			cluster := clusterName(mark, id)
			d, known := byTrial[cluster]
			if !known {
				d = had
				d.Run, d.Mark, d.Trial, d.Cluster, d.HadContainers = mark, mark, id, cluster, nil
			}
			if kind == "image" {
				d.Names = append(d.Names, name)
			}
			byTrial[cluster] = d
		}
	}
	return slices.Collect(maps.Values(byTrial))
}
