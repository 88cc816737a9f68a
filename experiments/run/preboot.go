package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
	"github.com/stratbench/stratbench/runtimes/machine/store"
)

// prebootedName is the cluster that trials with cluster: prebooted find.
const prebootedName = "stratbench-kept"

// keptFor is for how long a cluster that was made before is used: its
// certificates hold for a year.
const keptFor = 30 * 24 * time.Hour

// preboot makes the states of the store that trials with cluster: prebooted start
// from, unless they are there, as preparations: recorded, and no trials. Of the
// cells with the same cluster, that with the most memory makes it.
func (r *runner) preboot(ctx context.Context) error {
	r.prebooted = map[string]string{}
	makers, memory := map[string]trial.Cell{}, map[string]trial.Bytes{}
	var missing []string
	for _, t := range r.plan.Trials {
		s, w, err := r.cell(t.Cell)
		if err != nil {
			return err
		}
		if r.done[t.ID] || s.Cluster != trial.ClusterPrebooted || r.prebooted[t.Cell.Key()] != "" {
			continue
		}
		state, there, err := r.places[s.Runtime].(*isolatedPlace).prebooted(s, w, r.started) // no other place takes the setting
		if err != nil {
			return err
		}
		r.prebooted[t.Cell.Key()] = state
		if _, known := makers[state]; !there && !known {
			missing = append(missing, state)
		}
		if !there && s.Memory >= memory[state] {
			makers[state], memory[state] = t.Cell, s.Memory
		}
	}
	for i, state := range missing {
		t := trial.Trial{ID: fmt.Sprintf("c%03d", i+1), Cell: makers[state]}
		if err := r.prepareBy(ctx, t, jobPreboot); err != nil {
			return err
		}
	}
	return nil
}

// prebooted names the state of a machine on which the cluster of these settings
// was made before, and says whether it is there.
func (p *isolatedPlace) prebooted(s spec.Settings, w spec.Workload, now time.Time) (state string, there bool, err error) {
	cfg := clusterOf(p, s, w)
	kind, err := kindcluster.ReadConfig(cfg.KindConfig, cfg.KindPatches)
	if err != nil {
		return "", false, err
	}
	made, err := json.Marshal([]any{p.goldenKey(s), prebootedName, cfg.NodeImage, cfg.NodeSubnet, kind, s.Machine.Network, s.Machine.CPUs})
	if err != nil {
		return "", false, fmt.Errorf("naming the state of a cluster that was made before: %w", err)
	}
	sum := sha256.Sum256(made)
	prefix := fmt.Sprintf("%s%s-%s-", statePrefix, s.Runtime, hex.EncodeToString(sum[:8]))
	all, err := p.prebootedStates(now)
	if err != nil {
		return "", false, err
	}
	if i := slices.IndexFunc(all, func(name string) bool { return strings.HasPrefix(name, prefix) }); i >= 0 {
		return all[i], true, nil
	}
	return prefix + now.UTC().Format(stateDay), false, nil
}

// statePrefix begins the names of the states with clusters, each of which ends with
// the day on which it was made.
var statePrefix = store.Golden("cluster-")

const stateDay = "20060102"

// prebootedStates are the states with clusters, of whatever settings, after those
// that are too old are deleted.
func (p *isolatedPlace) prebootedStates(now time.Time) (kept []string, err error) {
	all, err := p.store.List()
	if err != nil {
		return nil, err
	}
	for _, name := range all {
		if !strings.HasPrefix(name, statePrefix) {
			continue
		}
		made, err := time.Parse(stateDay, name[strings.LastIndexByte(name, '-')+1:])
		if err == nil && now.Sub(made) < keptFor {
			kept = append(kept, name)
		} else if err := p.store.Delete(name); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// state is the state of the store that the trial's machine starts from; empty is
// that of the engine alone.
func (x *execution) state() string {
	if x.do == jobPreboot {
		return ""
	}
	return x.r.prebooted[x.trial.Cell.Key()]
}

// keep keeps the machine of a preparation that has made a cluster.
func (x *execution) keep(ctx context.Context, m machine.Machine) {
	if x.do != jobPreboot || x.record.Verdict.Outcome != trial.OK {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(x.spec.Limits.Teardown))
	defer cancel()
	err := x.within("keep", func() error { return m.(*isolated.Machine).Keep(ctx, x.r.prebooted[x.trial.Cell.Key()]) })
	if err != nil {
		x.record.Verdict = notMeasured(ctx, err)
	}
}
