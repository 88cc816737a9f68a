//go:build !linux && !darwin

package pipeline

import "time"

// Now reads the clock that the processes of one machine share. Here that is
// the wall clock: each process counts on monotonically from one reading of it.
func Now() int64 { return time.Now().UnixNano() }
