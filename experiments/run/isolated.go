package run

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/lab"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/runtimes/connect"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
	"github.com/stratbench/stratbench/runtimes/machine/store"
)

// storeSize bounds the store of golden states. Its file is sparse.
const storeSize = 64 << 30

// defaultSuite is the engine root for settings that name none.
const defaultSuite = "trixie"

// isolatedPlace starts isolated machines from golden states, which it makes from
// the lab's engine roots and images.
type isolatedPlace struct {
	cache  string
	binds  []string
	report reporter
	lab    *lab.Lab
	store  *store.Store
}

func (p *isolatedPlace) kind() machine.Kind { return machine.Isolated }

func (p *isolatedPlace) check(c resolved) error {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return errors.New("an isolated machine needs Linux and root; run as root, or use a running engine with --machine host")
	}
	if all := host.Memory(); all > 0 && c.settings.Memory > all {
		return fmt.Errorf("memory %s is more than this host has (%s); take the level out of the spec", c.settings.Memory, all)
	}
	if err := lab.CheckEngine(engineSource(c.settings)); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	return nil
}

// claim takes nothing: each machine is a run's own.
func (p *isolatedPlace) claim(context.Context, holder) error { return nil }

// prepare builds the lab, opens the store, removes what a killed run left, and
// makes the golden states that are missing.
func (p *isolatedPlace) prepare(ctx context.Context, all []spec.Settings) (err error) {
	defer p.report.preparing(Preparation{})
	o := labOptions(all)
	work, err := lab.Remaining(ctx, o)
	if err != nil {
		return err
	}
	o.Log = p.report
	o.Building = func(names []string) {
		p.report.preparing(Preparation{What: "building the lab", Detail: strings.Join(names, ", "), Takes: work.Takes})
	}
	if len(work.Names) > 0 {
		p.report.note("the lab is not complete: %s", work)
		o.Building(nil) // it may have to wait for another build
	}
	if p.lab, err = lab.Build(ctx, o); err != nil {
		return err
	}
	if p.store, err = store.Open(ctx, filepath.Join(p.cache, "store.btrfs"), storeSize); err != nil {
		return err
	}
	swept, err := isolated.Sweep(ctx, p.store)
	for _, s := range swept {
		p.report.note("removed what a killed run left: %s", s)
	}
	if err != nil {
		return err
	}
	for _, s := range all {
		if err := p.makeGolden(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// labOptions are those of the lab for machines of these settings.
func labOptions(all []spec.Settings) (o lab.Options) {
	for _, s := range all {
		if source := engineSource(s); !slices.Contains(o.Engines, source) {
			o.Engines = append(o.Engines, source)
		}
	}
	return o
}

func engineSource(s spec.Settings) string { return cmp.Or(s.Engine, defaultSuite) }

// rootKey names an engine root: its folder in the lab carries a hash of all
// that went into it.
func (p *isolatedPlace) rootKey(s spec.Settings) string {
	return filepath.Base(filepath.Dir(p.lab.EngineRoots[engineSource(s)]))
}

func (p *isolatedPlace) images() []lab.Image {
	return append([]lab.Image{p.lab.NodeImage}, p.lab.BaseImages...)
}

func (p *isolatedPlace) goldenKey(s spec.Settings) string {
	parts := fmt.Appendln(nil, p.rootKey(s), s.Runtime)
	for _, i := range p.images() {
		parts = fmt.Appendln(parts, i.Name, i.ID)
	}
	return fmt.Sprintf("%s-%s-%s", s.Runtime, lab.EngineName(engineSource(s)), sumOf(parts)[:16])
}

func (p *isolatedPlace) makeGolden(ctx context.Context, s spec.Settings) error {
	key := p.goldenKey(s)
	if p.store.Has(store.Golden(key)) {
		return nil
	}
	began := time.Now()
	p.report.preparing(Preparation{What: "making the golden state " + key, Takes: time.Minute})
	if root := p.rootKey(s); !p.store.Has(store.Root(root)) {
		tar, err := os.Open(p.lab.EngineRoots[engineSource(s)])
		if err != nil {
			return fmt.Errorf("opening the engine root: %w", err)
		}
		defer tar.Close()
		if err := p.store.ImportRoot(ctx, root, tar); err != nil {
			return err
		}
	}
	err := isolated.MakeGolden(ctx, isolated.Config{
		Store: p.store, From: store.Root(p.rootKey(s)), Runtime: s.Runtime, Log: filepath.Join(p.cache, key+".log"),
	}, key, p.loadImages)
	if err != nil {
		return err
	}
	p.report.note("made the golden state %s in %s", key, time.Since(began).Round(time.Second))
	return nil
}

func (p *isolatedPlace) loadImages(ctx context.Context, m *isolated.Machine) error {
	engine, err := connect.Engine(ctx, m.WatchEndpoint())
	if err != nil {
		return err
	}
	defer engine.Close()
	for _, i := range p.images() {
		tar, err := os.Open(i.Tar)
		if err != nil {
			return fmt.Errorf("opening the archive of %s: %w", i.Name, err)
		}
		err = engine.Load(ctx, tar)
		tar.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *isolatedPlace) start(ctx context.Context, s spec.Settings, state, _, dir string) (machine.Machine, error) {
	m, err := isolated.Start(ctx, isolated.Config{
		Store: p.store, From: cmp.Or(state, store.Golden(p.goldenKey(s))), Runtime: s.Runtime, Memory: s.Memory, CPUs: s.Machine.CPUs,
		Log: filepath.Join(dir, "engine.log"), Binds: p.binds, WayOut: wayOut(s),
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// wayOut is what an isolated machine with these settings needs to reach what this
// host reaches; nil leaves it without a network beyond the runner.
func wayOut(s spec.Settings) *isolated.WayOut {
	if s.Machine.Network != spec.NetworkHost {
		return nil
	}
	return &isolated.WayOut{
		Proxies: hostProxies(), Authorities: hostAuthorities(),
		ClientConfig: func(proxies map[string]string) ([]byte, error) { return connect.UserConfig(s.Runtime, proxies) },
	}
}

func (p *isolatedPlace) adapt(c *pipeline.Config) {
	if c.NodeImage == "" {
		c.NodeImage = lab.NodeImageName
	}
	if c.NodeImage == lab.NodeImageName {
		c.NodeSubnet = lab.NodeSubnet
	}
	c.KindPatches = append(c.KindPatches, string(lab.ClusterConfig))
}

// storeLimit bounds how long the store may take to be unmounted.
const storeLimit = 30 * time.Second

func (p *isolatedPlace) close() error {
	if p.store == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeLimit)
	defer cancel()
	all, err := p.store.List()
	errs := []error{err}
	for _, name := range all {
		if strings.HasPrefix(name, cacheState(cachePrefix)) {
			errs = append(errs, p.store.Delete(name))
		}
	}
	return errors.Join(append(errs, p.store.Close(ctx))...)
}

// cachePrefix begins the name of every build cache that a run fills.
const cachePrefix = "cache-"

// cacheState names the state with an engine's own build cache. If the run is killed, the
// next start removes it as it does the copies of machines.
func cacheState(cache string) string { return store.Live(cache) }

// prebootedName is the cluster that trials with cluster: prebooted find.
const prebootedName = "stratbench-kept"

// keptFor is how long a kept cluster is used: its certificates are valid for a
// year.
const keptFor = 30 * 24 * time.Hour

// prebooted names the kept state with the cluster of trials of a cell, and reports
// whether the store has it. States that are too old are deleted.
func (p *isolatedPlace) prebooted(c resolved, now time.Time) (state string, there bool, err error) {
	s, cfg := c.settings, clusterOf(p, c)
	kind, err := kindcluster.ReadConfig(cfg.KindConfig, cfg.KindPatches)
	if err != nil {
		return "", false, err
	}
	made, _ := json.Marshal([]any{p.goldenKey(s), prebootedName, kindcluster.KeptKubelet, cfg.NodeImage, cfg.NodeSubnet, kind, s.Machine.Network, s.Machine.CPUs}) // never fails
	prefix := fmt.Sprintf("%s%s-%s-", statePrefix, s.Runtime, sumOf(made)[:16])
	state = prefix + now.UTC().Format(stateDay)
	all, err := p.store.List()
	if err != nil {
		return "", false, err
	}
	for _, name := range all {
		if !strings.HasPrefix(name, statePrefix) {
			continue
		}
		made, err := time.Parse(stateDay, name[strings.LastIndexByte(name, '-')+1:])
		switch old := err != nil || now.Sub(made) >= keptFor; {
		case old: // whatever its settings are
			if err := p.store.Delete(name); err != nil {
				return "", false, err
			}
		case !there && strings.HasPrefix(name, prefix):
			state, there = name, true
		}
	}
	return state, there, nil
}

// statePrefix begins the name of every state with a cluster, and the day on which
// it was made ends it.
var statePrefix = store.Golden("cluster-")

const stateDay = "20060102"
