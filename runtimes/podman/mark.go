package podman

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"time"
)

// Podman lets the command of a cancelled build run to its end. To find and kill it,
// every process of a build bears a mark: a value of the limit on file locks that only
// this build uses. That limit is inherited, changes neither the image nor the cache
// key, and has had no effect since Linux 2.4.

// mark is such a value.
type mark string

// markOf returns the mark of the build with an ID, which is as unique as the ID. A
// build without an ID gets a random one.
func markOf(build string) mark {
	n := rand.Uint32()
	if build != "" {
		hash := fnv.New32a()
		hash.Write([]byte(build))
		n = hash.Sum32()
	}
	return mark(strconv.Itoa(1<<30 + int(n%(1<<30))))
}

// ulimit is the mark as the parameter of a build.
func (m mark) ulimit() string { return "locks=" + string(m) + ":" + string(m) }

// grace is how long a cancelled build may take to end as a failed build does, with its
// container removed. After that it is left alone.
const grace = 3 * time.Second

// graceful derives a context that outlasts ctx: once ctx ends, the processes with the
// mark are killed until the build has failed because of it and was released, or the
// grace is over.
func graceful(ctx context.Context, m mark) (longer context.Context, release context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		defer cancel()
		end := time.After(grace)
		for again := time.NewTicker(50 * time.Millisecond); ; {
			killMarked(m)
			select {
			case <-again.C:
			case <-end:
				return
			case <-longer.Done():
				return
			}
		}
	})
	return longer, func() { stop(); cancel() }
}
