//go:build !linux

package isolated

// Main does nothing: there are machines on Linux alone.
func Main() {}
