//go:build !linux

package podman

// The service runs in a virtual machine, with processes and limits of its own.

func killMarked(mark) {}

func ulimits(string) []string { return nil }
