//go:build !linux

package store

import (
	"context"
	"errors"
	"os"
	"runtime"

	"github.com/stratbench/stratbench/internal/trial"
)

var errNotLinux = errors.New("a store of engine states needs Linux; this is " + runtime.GOOS)

func openLoop(context.Context, string, trial.Bytes) (volume, error) { return nil, errNotLinux }

func lock(*os.File) error { return errNotLinux }

func cloneMount(string) (*os.File, error) { return nil, errNotLinux }
