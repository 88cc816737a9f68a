package e2e

import (
	"os"
	"os/exec"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// mark tells stratbench of a phase, if the suite runs in a trial of it.
func mark(phase, edge string) {
	if os.Getenv("STRATBENCH_MARKS") != "" {
		Expect(exec.Command("stratbench", "mark", phase, edge).Run()).To(Succeed())
	}
}

var _ = SynchronizedBeforeSuite(func() []byte {
	for _, of := range []struct {
		phase string
		do    func() error
	}{{"cluster", cluster}, {"build", build}, {"load", load}, {"deploy", deploy}} {
		mark(of.phase, "start")
		Expect(of.do()).To(Succeed())
		mark(of.phase, "end")
	}
	return nil
}, func([]byte) {})
