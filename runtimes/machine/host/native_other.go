//go:build !linux

package host

import (
	"context"

	"github.com/stratbench/stratbench/runtimes"
)

// native is always false here: the podman command is a client of its machine.
func native(context.Context, runtimes.Endpoint) bool { return false }

// OnLoopback is always false here: engines are in virtual machines.
func OnLoopback(context.Context, runtimes.Endpoint) bool { return false }
