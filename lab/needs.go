package lab

import (
	"context"
	"fmt"
	"go/version"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
)

// Work is what must still be built before a lab is complete. The zero value is nothing.
type Work struct {
	// Names are the missing artifacts.
	Names []string
	// Takes estimates how long it takes to build them, and Room the disk space that this
	// needs.
	Takes time.Duration
	Room  trial.Bytes
}

func (w Work) String() string {
	return fmt.Sprintf("about %d min on two processors and %s of disk for %s",
		int(w.Takes.Round(time.Minute).Minutes()), w.Room, strings.Join(w.Names, ", "))
}

// costs are the costs of an artifact on two processors, if everything must be downloaded from
// a nearby Debian mirror and Go module proxy.
var costs = map[string]struct {
	takes time.Duration
	room  trial.Bytes
}{
	"engine":     {2 * time.Minute, 1 << 30},
	"kubernetes": {18 * time.Minute, 6 << 30}, // with Go's caches, which it fills
	"node":       {4 * time.Minute, 4 << 30},
	"go":         {2 * time.Minute, 1 << 30},
	"run":        {time.Minute, 1 << 28},
}

// Remaining returns what Build would build. It changes nothing.
func Remaining(ctx context.Context, o Options) (w Work, err error) {
	c, err := o.cache()
	if err != nil {
		return w, err
	}
	r, err := findRecipes(ctx, c, o.Engines)
	if err != nil {
		return w, err
	}
	missing := func(a artifact) bool {
		if c.check(a) == nil {
			return false
		}
		kind, _, _ := strings.Cut(a.name, "-")
		w.Names = append(w.Names, a.name)
		w.Takes += costs[kind].takes
		w.Room += costs[kind].room
		return true
	}
	for _, a := range r.all() {
		if missing(a) && a.name == "node" {
			missing(r.kubernetes)
		}
	}
	return w, nil
}

// Needs checks what building a lab needs of this host. It changes nothing.
func Needs(ctx context.Context, w Work) host.Checks {
	return host.Checks{needDebian(ctx), needPackages(), needGo(ctx), needRoom(w)}
}

func needDebian(ctx context.Context) host.Check {
	n := host.Check{Name: "Debian", Cure: "build the lab on a Debian machine with apt sources: root file systems are made of its packages"}
	for _, suite := range Suites() {
		sources, err := debianSources(ctx, suite)
		if err != nil {
			n.Detail = err.Error()
			return n
		}
		n.OK, n.Detail = true, fmt.Sprintf("packages from %d apt sources", len(sources))
	}
	return n
}

// needPackages is OK if missing packages can be installed, which lab --install-missing does.
func needPackages() host.Check {
	missing := missingPackages(slices.Concat(toBuild, toRun), exec.LookPath, fileExists)
	_, err := exec.LookPath("apt-get")
	n := host.Check{Name: "programs", OK: len(missing) == 0 || err == nil, Detail: "all are installed"}
	if len(missing) > 0 {
		n.Detail = "to be installed, by stratbench lab --install-missing or by hand: " + strings.Join(missing, " ")
		n.Cure = "install what belongs to these Debian packages: " + strings.Join(missing, " ")
	}
	return n
}

func needGo(ctx context.Context) host.Check {
	least := leastGo()
	n := host.Check{Name: "Go", Cure: "install Go " + strings.TrimPrefix(least, "go") + " or later, and have it in PATH: Kubernetes is compiled with it"}
	tools, err := hostToolchain(ctx)
	if err != nil {
		n.Detail = err.Error()
		return n
	}
	n.OK, n.Detail = version.Compare(tools.version, least) >= 0, tools.version
	return n
}

// leastGo is the Go version that the compiled modules require, such as go1.24.0.
func leastGo() (least string) {
	for file := range slices.Chunk(contents(moduleFiles, "modules"), 2) {
		if filepath.Base(file[0]) != "go.mod.txt" {
			continue
		}
		for line := range strings.Lines(file[1]) {
			if f := strings.Fields(line); len(f) == 2 && f[0] == "go" && version.Compare("go"+f[1], least) > 0 {
				least = "go" + f[1]
			}
		}
	}
	return least
}

func needRoom(w Work) host.Check {
	n := host.Check{Name: "disk space"}
	dir, err := CacheDir()
	if err != nil {
		n.Detail, n.Cure = err.Error(), "set HOME or XDG_CACHE_HOME"
		return n
	}
	free, err := host.RoomFor(dir)
	if err != nil {
		n.Detail, n.Cure = err.Error(), "set XDG_CACHE_HOME to a folder that can be used"
		return n
	}
	need := w.Room + statesRoom
	n.OK = free >= need
	n.Detail = fmt.Sprintf("%s free at %s, %s needed with the golden states", free, dir, need)
	n.Cure = "free disk space, or set XDG_CACHE_HOME to a folder on a larger disk"
	return n
}

// statesRoom is the disk space of both engines' golden states and of a trial.
const statesRoom trial.Bytes = 8 << 30
