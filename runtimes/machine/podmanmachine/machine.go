// Package podmanmachine runs a trial in a podman machine, which is podman's virtual machine
// on macOS and Windows. It gives the machine the memory of the level, and restores it
// afterwards.
package podmanmachine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine/host"
)

// Machine is a running podman machine. Its workers run on the host.
type Machine struct {
	*host.Machine
	name   string
	before state
	now    state
}

// state is the part of podman machine inspect's output that is needed here.
type state struct {
	Name           string
	State          string
	Resources      struct{ Memory int64 } // MiB
	ConnectionInfo struct {
		PodmanSocket *struct{ Path string }
		PodmanPipe   *struct{ Path string }
	}
}

func (s state) running() bool { return s.State == "running" }

// Exists returns nil if podman has its default machine. The error says what it has.
func Exists(ctx context.Context) error {
	_, err := inspect(ctx, "")
	return err
}

// defaultName is what podman calls a machine that is made or inspected without a name.
const defaultName = "podman-machine-default"

var errNoMachine = errors.New("podman has no machine")

// Start gives podman's default machine the memory of a level and starts it. It also restarts
// a machine that already runs with that memory, because every trial begins with a machine
// that has just started.
func Start(ctx context.Context, memory trial.Bytes) (*Machine, error) {
	before, err := inspect(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("inspecting the podman machine: %w", err)
	}
	m := &Machine{name: before.Name, before: before, now: before}
	if err := m.start(ctx, int64(memory>>20)); err != nil {
		err = fmt.Errorf("starting the podman machine %s with %s: %w", m.name, memory, err)
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Minute)
		defer cancel()
		return nil, errors.Join(err, m.Close(back))
	}
	return m, nil
}

func (m *Machine) start(ctx context.Context, memory int64) error {
	if err := m.become(ctx, memory, true, true); err != nil {
		return err
	}
	endpoint, err := m.now.endpoint()
	if err != nil {
		return err
	}
	// Some types of machines ignore the memory that they are given.
	if _, has, err := askKernel(ctx, m.name); err == nil {
		if err := host.CheckMemory(trial.Podman, trial.Bytes(memory<<20), has); err != nil {
			return fmt.Errorf("it was given %s: %w", trial.Bytes(memory<<20), err)
		}
	}
	m.Machine, err = host.Open(runtimes.Endpoint{Runtime: trial.Podman, Address: endpoint, Source: "podman machine " + m.name})
	return err
}

// become gives the machine a memory and a state. It stops the machine first if the memory
// differs or a fresh start is requested.
func (m *Machine) become(ctx context.Context, memory int64, running, fresh bool) (err error) {
	stop := m.now.running() && (fresh || !running || m.now.Resources.Memory != memory)
	if stop {
		if _, err := podman(ctx, "stop", m.name); err != nil {
			return err
		}
	}
	if m.now.Resources.Memory != memory {
		if _, err := podman(ctx, "set", "--memory", strconv.FormatInt(memory, 10), m.name); err != nil {
			return err
		}
	}
	if running && (stop || !m.now.running()) {
		if _, err := podman(ctx, "start", m.name); err != nil {
			return err
		}
	}
	m.now, err = inspect(ctx, m.name)
	return err
}

func (s state) endpoint() (string, error) {
	if p := s.ConnectionInfo.PodmanSocket; p != nil && p.Path != "" {
		return "unix://" + p.Path, nil
	}
	if p := s.ConnectionInfo.PodmanPipe; p != nil && p.Path != "" {
		return "npipe://" + strings.ReplaceAll(p.Path, `\`, "/"), nil
	}
	return "", fmt.Errorf("podman machine inspect %s names no socket, so the machine does not forward its API; restart it: podman machine stop %[1]s, podman machine start %[1]s", s.Name)
}

// Boot is the boot id of the machine's kernel. It is empty if the machine does not exist any
// more or does not accept a login.
func (m *Machine) Boot(ctx context.Context) string {
	boot, _, _ := askKernel(ctx, m.name)
	return boot
}

// askKernel logs in to the machine, because no engine reports its kernel's boot id. The
// kernel's memory is less than what the machine was given.
func askKernel(ctx context.Context, name string) (boot string, memory trial.Bytes, err error) {
	out, err := podman(ctx, "ssh", name, "cat", "/proc/sys/kernel/random/boot_id", "/proc/meminfo")
	if err != nil {
		return "", 0, err
	}
	first, rest, _ := strings.Cut(string(out), "\n")
	boot = strings.TrimSpace(first)
	_, after, found := strings.Cut(rest, "MemTotal:")
	word := strings.Fields(after)
	if !found || len(word) == 0 {
		return boot, 0, fmt.Errorf("the podman machine %s does not report how much memory it has: %.100q", name, rest)
	}
	kib, err := strconv.ParseInt(word[0], 10, 64)
	return boot, trial.Bytes(kib << 10), err
}

// Sample is not supported: what the host uses is not what the machine uses.
func (m *Machine) Sample() (trial.Sample, error) {
	return trial.Sample{}, fmt.Errorf("reading what the podman machine %s uses: %w", m.name, errors.ErrUnsupported)
}

// Close restores the machine as it was found: with its memory, and running only if it was.
func (m *Machine) Close(ctx context.Context) error {
	now, err := inspect(ctx, m.name)
	if err == nil {
		m.now = now
		err = m.become(ctx, m.before.Resources.Memory, m.before.running(), false)
	}
	if err != nil {
		return fmt.Errorf("restoring the podman machine %s with its %d MiB: %w", m.name, m.before.Resources.Memory, err)
	}
	return nil
}

// inspect inspects a machine; without a name, podman's default one.
func inspect(ctx context.Context, name string) (state, error) {
	args := []string{"inspect"}
	if name != "" {
		args = append(args, name)
	}
	out, err := podman(ctx, args...)
	switch {
	case err != nil && strings.Contains(err.Error(), "does not exist"):
		return state{}, noMachine(ctx, cmp.Or(name, defaultName))
	case err != nil:
		return state{}, err
	}
	var machines []state
	if err := json.Unmarshal(out, &machines); err != nil {
		return state{}, fmt.Errorf("reading the output of podman machine inspect: %w", err)
	}
	if len(machines) == 0 {
		return state{}, noMachine(ctx, cmp.Or(name, defaultName))
	}
	return machines[0], nil
}

// noMachine says which machine was looked for, which ones there are, and how to make it.
func noMachine(ctx context.Context, name string) error {
	there := "podman machine list has none"
	var others []struct{ Name string }
	if out, err := podman(ctx, "list", "--format", "json"); err != nil {
		there = err.Error()
	} else if err := json.Unmarshal(out, &others); err != nil {
		there = "the output of podman machine list cannot be read: " + err.Error()
	}
	for i, other := range others {
		if i == 0 {
			there = "podman machine list has others, which are not used: " + other.Name
		} else {
			there += ", " + other.Name
		}
	}
	return fmt.Errorf("%w %s; %s; make it: podman machine init %s", errNoMachine, name, there, name)
}

// podman runs a command of podman machine. Its errors contain what podman printed.
func podman(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "podman", append([]string{"machine"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second // its ssh may outlive it and keep its output open
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("podman is not installed: %w; install it, and make a machine: podman machine init", err)
	}
	if err != nil {
		return nil, fmt.Errorf("podman machine %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}
