package run

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	"github.com/stratbench/stratbench/runtimes/connect"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
	"github.com/stratbench/stratbench/runtimes/machine/store"
)

// storeSize is the room of the store of golden states. The file is sparse: it
// takes what is in it.
const storeSize = 64 << 30

// defaultSuite is the engine root of settings that name none.
const defaultSuite = "trixie"

// isolatedPlace starts isolated machines from golden states that it makes of
// the lab's engine roots and images.
type isolatedPlace struct {
	cache string
	binds []string
	// preparing is told what is under way.
	preparing func(Preparation)
	lab       *lab.Lab
	store     *store.Store
}

func newIsolatedPlace(cache string, binds []string) *isolatedPlace {
	return &isolatedPlace{cache: cache, binds: binds, preparing: func(Preparation) {}}
}

func (p *isolatedPlace) kind() machine.Kind { return machine.Isolated }

func (p *isolatedPlace) check(s spec.Settings) error {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return errors.New("an isolated machine needs Linux and root; run as root, or use a running engine with --machine host")
	}
	if all := host.Memory(); all > 0 && s.Memory > all {
		return fmt.Errorf("memory %s is more than this machine has (%s); take the level out of the spec", s.Memory, all)
	}
	if !slices.Contains(lab.Suites(), suite(s)) {
		return fmt.Errorf("engine %q is no suite of the lab; the suites are %s", s.Engine, strings.Join(lab.Suites(), " and "))
	}
	return nil
}

// claim has nothing to take: each machine is a run's own.
func (p *isolatedPlace) claim(context.Context, holder) error { return nil }

// prepare builds the lab, opens the store, removes what a killed run left, and
// makes the golden states that are missing.
func (p *isolatedPlace) prepare(ctx context.Context, all []spec.Settings, note func(string)) (err error) {
	defer p.preparing(Preparation{})
	if err := p.buildLab(ctx, all, note); err != nil {
		return err
	}
	if p.store, err = store.Open(ctx, filepath.Join(p.cache, "store.btrfs"), storeSize); err != nil {
		return err
	}
	swept, err := isolated.Sweep(ctx, p.store)
	for _, s := range swept {
		note("removed what a killed run left: " + s)
	}
	if err != nil {
		return err
	}
	made := map[string]bool{}
	for _, s := range all {
		if key := p.goldenKey(s); !made[key] {
			made[key] = true
			if err := p.makeGolden(ctx, s, note); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *isolatedPlace) buildLab(ctx context.Context, all []spec.Settings, note func(string)) error {
	o := labOptions(p.cache, all)
	work, err := lab.Remaining(ctx, o)
	if err != nil {
		return err
	}
	if len(work.Names) > 0 {
		note("the lab is not complete: " + work.String())
	}
	o.Log = noteWriter(note)
	o.Building = func(names []string) {
		p.preparing(Preparation{What: "building the lab", Detail: strings.Join(names, ", "), Takes: work.Takes})
	}
	if len(work.Names) > 0 {
		o.Building(nil) // another build may have to be waited for
	}
	p.lab, err = lab.Build(ctx, o)
	return err
}

// labOptions are those of the lab for machines of these settings.
func labOptions(cache string, all []spec.Settings) lab.Options {
	return lab.Options{CacheDir: filepath.Join(cache, "lab"), Suites: suitesOf(all)}
}

func suitesOf(all []spec.Settings) (suites []string) {
	seen := map[string]bool{}
	for _, s := range all {
		if name := suite(s); !seen[name] {
			seen[name] = true
			suites = append(suites, name)
		}
	}
	return suites
}

func suite(s spec.Settings) string {
	if s.Engine == "" {
		return defaultSuite
	}
	return s.Engine
}

// rootKey names an engine root: its folder in the lab carries a hash of all
// that went into it.
func (p *isolatedPlace) rootKey(s spec.Settings) string {
	return filepath.Base(filepath.Dir(p.lab.EngineRoots[suite(s)]))
}

func (p *isolatedPlace) images() []lab.Image {
	return append([]lab.Image{p.lab.NodeImage}, p.lab.BaseImages...)
}

func (p *isolatedPlace) goldenKey(s spec.Settings) string {
	h := sha256.New()
	fmt.Fprintln(h, p.rootKey(s), s.Runtime)
	for _, i := range p.images() {
		fmt.Fprintln(h, i.Name, i.ID)
	}
	return fmt.Sprintf("%s-%s-%s", s.Runtime, suite(s), hex.EncodeToString(h.Sum(nil)[:8]))
}

func (p *isolatedPlace) makeGolden(ctx context.Context, s spec.Settings, note func(string)) error {
	key := p.goldenKey(s)
	if p.store.Has(store.Golden(key)) {
		return nil
	}
	began := time.Now()
	p.preparing(Preparation{What: "making the golden state " + key, Takes: time.Minute})
	if err := p.importRoot(ctx, s); err != nil {
		return err
	}
	err := isolated.MakeGolden(ctx, isolated.GoldenConfig{
		Store: p.store, Root: p.rootKey(s), Key: key, Runtime: s.Runtime, Log: filepath.Join(p.cache, key+".log"),
	}, func(ctx context.Context, m *isolated.Machine) error { return p.loadImages(ctx, m) })
	if err != nil {
		return err
	}
	note(fmt.Sprintf("made the golden state %s in %s", key, time.Since(began).Round(time.Second)))
	return nil
}

func (p *isolatedPlace) importRoot(ctx context.Context, s spec.Settings) error {
	key := p.rootKey(s)
	if p.store.Has(store.Root(key)) {
		return nil
	}
	tar, err := os.Open(p.lab.EngineRoots[suite(s)])
	if err != nil {
		return fmt.Errorf("opening the engine root: %w", err)
	}
	defer tar.Close()
	return p.store.ImportRoot(ctx, key, tar)
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

// buildArgs name the lab's base images, by the arguments that a Dockerfile of
// a workload uses for its own.
func (p *isolatedPlace) buildArgs() map[string]string {
	return map[string]string{"GO_IMAGE": lab.GoImageName, "RUN_IMAGE": lab.RunImageName}
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
	return p.store.Close(ctx)
}

// noteWriter passes lines on as notes.
type noteWriter func(string)

func (n noteWriter) Write(b []byte) (int, error) {
	n(strings.TrimRight(string(b), "\n"))
	return len(b), nil
}
