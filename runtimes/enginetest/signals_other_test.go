//go:build !linux

package enginetest

import "testing"

const onlyLinux = "processes of an engine can only be stopped and killed on Linux"

func stop(t *testing.T, _ string) (start func()) {
	Missing(t, onlyLinux)
	return nil
}

func kill(t *testing.T, _ string) { Missing(t, onlyLinux) }
