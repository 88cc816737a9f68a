package podman

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"time"
)

// Podman lets the command of a cancelled build run on to its end. So that it
// can be found and killed, every process of a build bears a mark: an own value
// of the limit on file locks, which is inherited, changes neither image nor
// cache key, and has had no effect in Linux since version 2.4.

// mark is that value.
type mark string

// markOf is the mark of the build with an ID, which is its own as far as the ID
// is. One without an ID gets any.
func markOf(build string) mark {
	n := rand.Uint32()
	if build != "" {
		hash := fnv.New32a()
		hash.Write([]byte(build))
		n = hash.Sum32()
	}
	return mark(strconv.Itoa(1<<30 + int(n%(1<<30))))
}

// ulimit is the mark as a build asks for it.
func (m mark) ulimit() string { return "locks=" + string(m) + ":" + string(m) }

// grace is how long a cancelled build may take to end as a failed one does,
// with its container removed. Then it is left alone.
const grace = 3 * time.Second

// graceful derives a context that ends some time after ctx: when the processes
// with the mark have been killed, and the build has failed of it and been
// released, or has not within the grace.
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
