package pipeline

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/internal/trial"
)

// Clock measures the time since the trial's origin. The runner reads the origin
// with Now and passes it to the worker, so that both count from the same moment.
type Clock struct{ origin time.Time }

// NewClock returns a clock that counts from origin, a value of Now. An origin of 0
// means this moment.
func NewClock(origin int64) Clock {
	started, now := time.Now(), Now()
	if origin == 0 {
		origin = now
	}
	return Clock{started.Add(time.Duration(origin - now))}
}

// Elapsed is the time since the origin.
func (c Clock) Elapsed() trial.Seconds { return c.At(time.Now()) }

// At is the time from the origin to a moment in this process.
func (c Clock) At(t time.Time) trial.Seconds { return trial.Seconds(t.Sub(c.origin)) }

// Now reads the clock that all processes of a host share, in nanoseconds. It is
// never set back.
func Now() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return time.Now().UnixNano()
	}
	return ts.Nano()
}
