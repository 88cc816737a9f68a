package lab

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// Work is what is left to do until a lab is complete. The zero value is none.
type Work struct {
	// Names are the artifacts that are missing.
	Names []string
	// Takes estimates how long building them takes, and Room the disk space
	// that they and their building need.
	Takes time.Duration
	Room  trial.Bytes
}

func (w Work) String() string {
	return fmt.Sprintf("about %d min on two processors and %s of disk for %s",
		int(w.Takes.Round(time.Minute).Minutes()), w.Room, strings.Join(w.Names, ", "))
}

// costs are what an artifact takes on two processors, with a Debian mirror and a
// Go module proxy at hand and all still to be downloaded.
var costs = map[string]struct {
	takes time.Duration
	room  trial.Bytes
}{
	"engine":     {2 * time.Minute, 1 << 30},
	"kubernetes": {18 * time.Minute, 6 << 30}, // with the caches that it fills of Go's
	"node":       {4 * time.Minute, 4 << 30},
	"go":         {2 * time.Minute, 1 << 30},
	"run":        {time.Minute, 1 << 28},
}

// Remaining returns what Build would have to build. It changes nothing.
func Remaining(ctx context.Context, o Options) (w Work, err error) {
	if o, err = o.withDefaults(); err != nil {
		return w, err
	}
	c := &cache{dir: o.CacheDir, log: o.Log}
	r, err := findRecipes(ctx, c, o.Suites)
	if err != nil {
		return w, err
	}
	missing := func(a artifact) bool {
		if c.holds([]artifact{a}) {
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
