//go:build !linux

package store

import (
	"context"
	"errors"
	"runtime"

	"github.com/stratbench/stratbench/internal/trial"
)

var errNotLinux = errors.New("a store of engine states needs Linux; this is " + runtime.GOOS)

func openLoop(context.Context, string, trial.Bytes) (volume, error) { return nil, errNotLinux }

func openFolder(string) (volume, error) { return nil, errNotLinux }
