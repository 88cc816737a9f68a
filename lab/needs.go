package lab

import (
	"context"
	"fmt"
	"go/version"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
)

// Need is one thing that building a lab needs of this machine, looked at.
type Need struct {
	Name  string
	OK    bool
	Found string
	// Cure is what to do when it is not OK.
	Cure string
}

// Needs looks at what building needs of this machine. It changes nothing.
func Needs(ctx context.Context, w Work) []Need {
	return []Need{needDebian(ctx), needPackages(), needGo(ctx), needRoom(w)}
}

func needDebian(ctx context.Context) Need {
	n := Need{Name: "Debian", Cure: "build the lab on a Debian machine with apt sources: root file systems are made of its packages"}
	for _, suite := range Suites() {
		sources, err := debianSources(ctx, suite)
		if err != nil {
			n.Found = err.Error()
			return n
		}
		n.OK, n.Found = true, fmt.Sprintf("packages from %d apt sources", len(sources))
	}
	return n
}

// needPackages is met where they can be installed: that is not a fault, and
// lab --install-missing does it.
func needPackages() Need {
	missing := missingPackages(slices.Concat(toBuild, toRun), exec.LookPath, fileExists)
	_, err := exec.LookPath("apt-get")
	n := Need{Name: "programs", OK: len(missing) == 0 || err == nil, Found: "all are installed"}
	if len(missing) > 0 {
		n.Found = "to be installed, by stratbench lab --install-missing or by hand: " + strings.Join(missing, " ")
		n.Cure = "install what belongs to these Debian packages: " + strings.Join(missing, " ")
	}
	return n
}

func needGo(ctx context.Context) Need {
	least := leastGo()
	n := Need{Name: "Go", Cure: "install Go " + strings.TrimPrefix(least, "go") + " or later, and have it in PATH: Kubernetes is compiled with it"}
	tools, err := hostToolchain(ctx)
	if err != nil {
		n.Found = err.Error()
		return n
	}
	n.OK, n.Found = version.Compare(tools.version, least) >= 0, tools.version
	return n
}

// leastGo is the version that the modules that are compiled ask for, such as
// go1.24.0.
func leastGo() (least string) {
	parts := contents(moduleFiles, "modules")
	for i := 0; i < len(parts); i += 2 {
		if filepath.Base(parts[i]) != "go.mod.txt" {
			continue
		}
		for line := range strings.Lines(parts[i+1]) {
			if f := strings.Fields(line); len(f) == 2 && f[0] == "go" && version.Compare("go"+f[1], least) > 0 {
				least = "go" + f[1]
			}
		}
	}
	return least
}

func needRoom(w Work) Need {
	n := Need{Name: "disk room"}
	dir, err := DefaultCacheDir()
	if err != nil {
		n.Found, n.Cure = err.Error(), "set HOME or XDG_CACHE_HOME"
		return n
	}
	free, err := host.RoomFor(dir)
	if err != nil {
		n.Found, n.Cure = err.Error(), "set XDG_CACHE_HOME to a folder that can be used"
		return n
	}
	need := w.Room + statesRoom
	n.OK = free >= need
	n.Found = fmt.Sprintf("%s free at %s, %s needed with the golden states", free, dir, need)
	n.Cure = "free disk space, or set XDG_CACHE_HOME to a folder on a larger disk"
	return n
}

// statesRoom is what the golden states of both engines take, and a trial on top.
const statesRoom trial.Bytes = 8 << 30
