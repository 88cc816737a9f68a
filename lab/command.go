package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// command is a program that dies with this process. When the context ends, its whole
// process group is killed.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// isolated is a command in mount and pid namespaces of its own: everything that it starts
// or mounts vanishes with it, however it ends.
func isolated(ctx context.Context, name string, args ...string) *exec.Cmd {
	unshare := []string{"--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--", name}
	return command(ctx, "unshare", append(unshare, args...)...)
}

// output runs a command and returns what it prints. An error contains the last lines that
// it prints to standard error.
func output(cmd *exec.Cmd) (string, error) {
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		err = fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
		if text := strings.TrimSpace(complaints.String()); text != "" {
			lines := strings.Split(text, "\n")
			err = fmt.Errorf("%w: %s", err, strings.Join(lines[max(0, len(lines)-20):], "\n"))
		}
		return "", err
	}
	return out.String(), nil
}

// goCommand runs the go command in a folder. Its environment keeps the machine's settings
// for proxies and checksums, and drops what would change the compiled code.
func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := command(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"CGO_ENABLED=0", "GOTOOLCHAIN=local", "GOFLAGS=", "GOWORK=off", "GOOS=", "GOARCH=", "GOEXPERIMENT=")
	return cmd
}

// toolchain is the Go of this host. It compiles the lab, and the base image for a
// workload's builds contains it.
type toolchain struct {
	version string
	root    string
}

// hostToolchain asks in a folder outside any module, so that no go.mod in the working folder
// can select another toolchain.
func hostToolchain(ctx context.Context) (toolchain, error) {
	out, err := output(goCommand(ctx, os.TempDir(), "env", "GOVERSION", "GOROOT"))
	if err != nil {
		return toolchain{}, fmt.Errorf("asking the Go toolchain for its version: %w; is go in PATH?", err)
	}
	version, root, _ := strings.Cut(strings.TrimSpace(out), "\n")
	return toolchain{version: version, root: root}, nil
}
