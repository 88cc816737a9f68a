package results

import (
	"context"
	"os"
	"testing"
)

func TestAHostMayBeNamed(t *testing.T) {
	own := HostEnvironment(context.Background(), t.TempDir()).HostID
	t.Setenv(HostVariable, "runners of 4 cores")
	named := HostEnvironment(context.Background(), t.TempDir()).HostID
	if own == "" || named == own || len(named) != len(own) {
		t.Errorf("host %q, named %q", own, named)
	}
	if again := hostID(); again != named {
		t.Errorf("named again %q, not %q", again, named)
	}
	t.Setenv(HostVariable, "others")
	if hostID() == named {
		t.Error("two names have the same id")
	}
}

func TestHostLoadHasTheTimeOfAllProcessors(t *testing.T) {
	if _, err := os.Stat("/proc/stat"); err != nil {
		t.Skip("no /proc/stat on this system")
	}
	first := HostLoad(t.TempDir())
	second := HostLoad(t.TempDir())
	if first.CPU <= 0 || second.CPU < first.CPU || first.Steal < 0 || first.Steal > first.CPU {
		t.Errorf("processor time %v of which %v stolen, then %v", first.CPU, first.Steal, second.CPU)
	}
}
