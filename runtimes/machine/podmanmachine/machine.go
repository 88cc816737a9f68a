// Package podmanmachine runs a trial in a podman machine, the virtual machine
// that podman keeps on macOS and Windows: given the memory of the level, and
// given back as it was found.
package podmanmachine

import (
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

// kernel is what the kernel in the machine says of itself.
type kernel struct {
	boot string
	// memory is what it has, which is less than the machine was given.
	memory trial.Bytes
}

// state is what podman machine inspect tells, as far as it matters here.
type state struct {
	Name           string
	State          string
	Rootful        bool
	Resources      struct{ Memory int64 } // MiB
	ConnectionInfo struct {
		PodmanSocket *struct{ Path string }
		PodmanPipe   *struct{ Path string }
	}
}

func (s state) running() bool { return s.State == "running" }

// Exists reports whether there is a machine of this name; no name is podman's
// default.
func Exists(ctx context.Context, name string) (bool, error) {
	_, err := inspect(ctx, name)
	if errors.Is(err, errNoMachine) {
		return false, nil
	}
	return err == nil, err
}

var errNoMachine = errors.New("there is no such podman machine; podman machine init makes one")

// Start gives the machine the memory of a level and starts it. A machine that
// runs with that memory is restarted all the same: every trial starts from a
// machine that has just started.
func Start(ctx context.Context, name string, memory trial.Bytes) (*Machine, error) {
	before, err := inspect(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("inspecting the podman machine %s: %w", name, err)
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
	// Some kinds of machines are given memory and do not have it.
	if k, err := askKernel(ctx, m.name); err == nil {
		if err := host.CheckMemory(trial.Podman, trial.Bytes(memory<<20), k.memory); err != nil {
			return fmt.Errorf("it was given %s: %w", trial.Bytes(memory<<20), err)
		}
	}
	m.Machine, err = host.Open(runtimes.Endpoint{Runtime: trial.Podman, Address: endpoint, Source: "podman machine " + m.name})
	return err
}

// become brings the machine to a memory and a state, by way of a stop where
// the memory differs or a fresh start is asked for.
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
	return "", fmt.Errorf("podman machine inspect %s names no socket: the machine does not forward its API", s.Name)
}

// Boot is the boot id of the kernel in the machine, or empty where that is not
// reached: the machine has vanished, or cannot be logged in to.
func (m *Machine) Boot(ctx context.Context) string {
	k, _ := askKernel(ctx, m.name)
	return k.boot
}

// askKernel asks by way of a login, as no engine knows its kernel's boot id.
func askKernel(ctx context.Context, name string) (k kernel, err error) {
	out, err := podman(ctx, "ssh", name, "cat", "/proc/sys/kernel/random/boot_id", "/proc/meminfo")
	if err != nil {
		return k, err
	}
	first, rest, _ := strings.Cut(string(out), "\n")
	k.boot = strings.TrimSpace(first)
	_, after, found := strings.Cut(rest, "MemTotal:")
	word := strings.Fields(after)
	if !found || len(word) == 0 {
		return k, fmt.Errorf("the podman machine %s does not say how much memory it has: %.100q", name, rest)
	}
	kib, err := strconv.ParseInt(word[0], 10, 64)
	k.memory = trial.Bytes(kib << 10)
	return k, err
}

// Sample cannot tell: what the host uses is not what its machine uses.
func (m *Machine) Sample() (trial.Sample, error) {
	return trial.Sample{}, fmt.Errorf("reading what the podman machine %s uses: %w", m.name, errors.ErrUnsupported)
}

// Close gives the machine back as it was found: with its memory, and running
// only if it was.
func (m *Machine) Close(ctx context.Context) error {
	now, err := inspect(ctx, m.name)
	if err == nil {
		m.now = now
		err = m.become(ctx, m.before.Resources.Memory, m.before.running(), false)
	}
	if err != nil {
		return fmt.Errorf("giving the podman machine %s its %d MiB back: %w", m.name, m.before.Resources.Memory, err)
	}
	return nil
}

func inspect(ctx context.Context, name string) (state, error) {
	args := []string{"inspect"}
	if name != "" {
		args = append(args, name)
	}
	out, err := podman(ctx, args...)
	if err != nil && strings.Contains(err.Error(), "does not exist") {
		return state{}, fmt.Errorf("%w: %w", errNoMachine, err)
	}
	if err != nil {
		return state{}, err
	}
	var machines []state
	if err := json.Unmarshal(out, &machines); err != nil {
		return state{}, fmt.Errorf("reading the output of podman machine inspect: %w", err)
	}
	if len(machines) == 0 {
		return state{}, errNoMachine
	}
	return machines[0], nil
}

// podman runs a command of podman machine. Its errors say what podman said.
func podman(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "podman", append([]string{"machine"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second // its ssh may outlive it, and hold its output
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("podman machine %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}
