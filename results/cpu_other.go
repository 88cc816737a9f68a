//go:build !linux

package results

import (
	"os/exec"
	"strings"
)

func cpuModel() string {
	out, _ := exec.Command("sysctl", "-n", "machdep.cpu.brand_string").Output()
	return strings.TrimSpace(string(out))
}
