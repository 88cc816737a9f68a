//go:build !linux

package host

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/stratbench/stratbench/internal/trial"
)

type counters struct{}

func readCounters() (counters, error) {
	return counters{}, fmt.Errorf("reading what a host with %s uses: %w", runtime.GOOS, errors.ErrUnsupported)
}

func sample(counters) (trial.Sample, error) {
	_, err := readCounters()
	return trial.Sample{}, err
}
