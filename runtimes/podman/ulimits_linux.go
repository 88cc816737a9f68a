package podman

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// wanted is the limit that a build asks for on its own. It may not raise the
// hard limit where the service lacks the capability to, as in a container.
const wanted = 1 << 20

// ulimits are what builds of a service on this machine must ask for instead.
func ulimits() []string {
	var limits []string
	for _, l := range []struct {
		name     string
		resource int
	}{{"nofile", unix.RLIMIT_NOFILE}, {"nproc", unix.RLIMIT_NPROC}} {
		var have unix.Rlimit
		if err := unix.Getrlimit(l.resource, &have); err == nil && have.Max < wanted {
			limits = append(limits, fmt.Sprintf("%s=%d:%d", l.name, have.Max, have.Max))
		}
	}
	return limits
}
