//go:build !linux

package enginetest

import "testing"

func stop(t *testing.T, _ string) (start func()) {
	Missing(t, "processes of an engine can only be stopped on Linux")
	return nil
}
