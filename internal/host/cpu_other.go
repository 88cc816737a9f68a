//go:build !linux

package host

import (
	"os/exec"
	"strings"
)

// CPUModel is how the first processor calls itself.
func CPUModel() string {
	out, _ := exec.Command("sysctl", "-n", "machdep.cpu.brand_string").Output()
	return strings.TrimSpace(string(out))
}
