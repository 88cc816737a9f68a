package pipeline

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/internal/trial"
)

// Clock tells how long ago the trial's origin was. The runner takes the
// origin with Now and hands it to the worker, so that both count from the
// same moment.
type Clock struct {
	// started is a moment of this process, base its distance from the origin.
	started time.Time
	base    time.Duration
}

// NewClock returns the clock that counts from origin, a value of Now. An
// origin of 0 stands for this moment.
func NewClock(origin int64) Clock {
	started, now := time.Now(), Now()
	if origin == 0 {
		origin = now
	}
	return Clock{started: started, base: time.Duration(now - origin)}
}

// Elapsed is the time since the origin.
func (c Clock) Elapsed() trial.Seconds { return c.At(time.Now()) }

// At is where a moment of this process lies from the origin.
func (c Clock) At(t time.Time) trial.Seconds { return trial.Seconds(c.base + t.Sub(c.started)) }

// Now reads the clock that the processes of one machine share: nanoseconds,
// never set back.
func Now() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return time.Now().UnixNano()
	}
	return ts.Nano()
}
