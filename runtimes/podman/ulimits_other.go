//go:build !linux

package podman

// ulimits are none: the service runs in a virtual machine, whose limits are
// not this process's.
func ulimits() []string { return nil }
