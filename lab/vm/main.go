// Command vm runs tests in a VM with version 2 of the control groups: see package lab.
//
//	go run ./lab/vm                        all parts
//	go run ./lab/vm rootless               one part
//	go run ./lab/vm 'stratbench doctor'    a shell command, in the module's root folder
//
// It expects stratbench in bin (make build).
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/stratbench/stratbench/lab"
)

// tested are the packages whose tests the VM runs.
var tested = []string{
	"runtimes/machine", "runtimes/machine/cgroup", "runtimes/machine/store", "runtimes/machine/isolated",
	"outcomes/watch", "outcomes/probe", "outcomes/postmortem",
}

// The parts of the tests, which add to the variable failed what failed.
var (
	//go:embed setup.sh
	setup string
	//go:embed machines.sh
	machines string
	//go:embed rootless.sh
	rootless string
)

// verdict is the end of a script of parts.
const verdict = `
echo "== failed:${failed:- nothing}"
[ -z "$failed" ]
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	code, err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "vm:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func run(ctx context.Context, args []string) (int, error) {
	if err := lab.InstallPrerequisites(ctx, os.Stderr); err != nil {
		return 0, err
	}
	built, err := lab.Build(ctx, lab.Options{Log: os.Stderr})
	if err != nil {
		return 0, err
	}
	vm, err := lab.BuildVM(ctx, lab.Options{Log: os.Stderr})
	if err != nil {
		return 0, err
	}
	cache, err := lab.CacheDir()
	if err != nil {
		return 0, err
	}
	source, err := os.Getwd()
	if err != nil {
		return 0, err
	}
	// A /tmp in memory may be too small for golden states.
	dir, err := os.MkdirTemp("/var/tmp", "stratbench-vm-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	command, err := script(ctx, cache, dir, strings.Join(args, " "))
	if err != nil {
		return 0, err
	}
	job := fmt.Sprintf("lab='%s'\nsource='%s'\nnode='%s'\n%s\n%s", cache, source, filepath.Dir(built.NodeImage.Tar), setup, command)
	if err := os.WriteFile(filepath.Join(dir, "job"), []byte(job), 0o644); err != nil {
		return 0, err
	}
	console, err := os.Create(filepath.Join(dir, "console"))
	if err != nil {
		return 0, err
	}
	defer console.Close()
	began := time.Now()
	code, err := vm.Run(ctx, dir, "7G", os.Stdout, console)
	if said, _ := os.ReadFile(console.Name()); code != 0 || err != nil {
		err = errors.Join(err, fmt.Errorf("the VM's console:\n%s", said[max(0, len(said)-4000):]))
	}
	fmt.Fprintf(os.Stderr, "vm: ended with %d after %s\n", code, time.Since(began).Round(time.Second))
	return code, err
}

// script returns what the VM is to run, after preparing in dir what that needs: all parts, the
// named one, or a shell command.
func script(ctx context.Context, cache, dir, asked string) (string, error) {
	all := ""
	if asked == "" || asked == "machines" {
		if err := golden(ctx, cache, dir); err != nil {
			return "", err
		}
		if err := compile(ctx, dir); err != nil {
			return "", err
		}
		all += machines
	}
	if asked == "" || asked == "rootless" {
		all += rootless
	}
	if all == "" {
		return asked, golden(ctx, cache, dir)
	}
	return all + verdict, nil
}

// golden makes a cache for the VM in dir: this host's lab, and a store with the golden states,
// which the VM would take half an hour to make.
func golden(ctx context.Context, lab, dir string) error {
	cache := filepath.Join(dir, "cache")
	if err := os.MkdirAll(filepath.Join(cache, "stratbench"), 0o755); err != nil {
		return err
	}
	if err := os.Symlink(lab, filepath.Join(cache, "stratbench/lab")); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "bin/stratbench", "lab")
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("making the golden states for the VM: %w", err)
	}
	return nil
}

// compile writes the tests' programs to dir, and a list of them with their folders.
func compile(ctx context.Context, dir string) error {
	var list strings.Builder
	for _, name := range tested {
		program := strings.ReplaceAll(name, "/", "-") + ".test"
		cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", filepath.Join(dir, program), "./"+name)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("compiling the tests of %s: %w", name, err)
		}
		fmt.Fprintln(&list, program, name)
	}
	return os.WriteFile(filepath.Join(dir, "tests"), []byte(list.String()), 0o644)
}
