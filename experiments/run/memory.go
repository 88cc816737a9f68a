package run

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/strategies"
)

// memoryFeed passes what the runner reads of a machine's memory on to the worker
// that builds by it. The worker itself may not see it: the control groups of
// version 1 show a machine no pressure.
type memoryFeed struct {
	mu   sync.Mutex
	to   *json.Encoder
	last *strategies.Reading
}

// take takes in a sample of the machine. That a worker has ended is seen to
// elsewhere.
func (f *memoryFeed) take(s trial.Sample) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = &strategies.Reading{Used: int64(s.MemoryAnon), Pressure: s.Pressure.Known,
		Some: s.Pressure.MemorySomeTotal.Duration(), Full: s.Pressure.MemoryFullTotal.Duration()}
	if f.to != nil {
		_ = f.to.Encode(f.last)
	}
}

// sendTo begins to send, with what was read last; nil ends it.
func (f *memoryFeed) sendTo(to *json.Encoder) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.to = to
	if to != nil && f.last != nil {
		_ = to.Encode(f.last)
	}
}

// readings are those that a worker is sent.
type readings struct {
	mu    sync.Mutex
	last  strategies.Reading
	known bool
}

// follow takes readings until the runner sends no more.
func (r *readings) follow(sent *json.Decoder) {
	for {
		var next strategies.Reading
		if err := sent.Decode(&next); err != nil {
			return
		}
		next.At = time.Now()
		r.mu.Lock()
		r.last, r.known = next, true
		r.mu.Unlock()
	}
}

// latest is the last reading, and false before there is one.
func (r *readings) latest() (strategies.Reading, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last, r.known
}
