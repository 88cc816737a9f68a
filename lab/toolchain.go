package lab

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// toolchain is the Go of this machine: what compiles, and what the base image
// of a workload's builds carries.
type toolchain struct {
	version string
	root    string
}

// hostToolchain asks outside of any module, so that a go.mod in the working
// folder cannot switch to another toolchain.
func hostToolchain(ctx context.Context) (toolchain, error) {
	cmd := command(ctx, "go", "env", "GOVERSION", "GOROOT")
	cmd.Dir = os.TempDir()
	cmd.Env = goEnvironment()
	out, err := output(cmd)
	if err != nil {
		return toolchain{}, fmt.Errorf("asking the Go toolchain for its version: %w; is go in PATH?", err)
	}
	version, root, _ := strings.Cut(strings.TrimSpace(out), "\n")
	return toolchain{version: version, root: root}, nil
}

// goEnvironment keeps what the machine says about proxies and checksums and
// drops what would change the code that comes out.
func goEnvironment() []string {
	return append(os.Environ(),
		"CGO_ENABLED=0", "GOTOOLCHAIN=local", "GOFLAGS=", "GOWORK=off", "GOOS=", "GOARCH=", "GOEXPERIMENT=")
}

func runGo(ctx context.Context, dir string, args ...string) error {
	cmd := command(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = goEnvironment()
	_, err := output(cmd)
	return err
}
