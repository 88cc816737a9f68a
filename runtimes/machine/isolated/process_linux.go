package isolated

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// EnginePID is the engine's process as the host numbers it.
func (m *Machine) EnginePID() int { return m.enginePID }

// Pids lists the machine's processes as the host numbers them, without workers.
func (m *Machine) Pids() ([]int, error) { return m.group.Pids() }

// Processes tells what each process of the machine is doing. Those that end
// meanwhile are left out.
func (m *Machine) Processes() ([]Process, error) {
	pids, err := m.Pids()
	if err != nil {
		return nil, err
	}
	var all []Process
	for _, pid := range pids {
		p, err := m.process(pid)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, errGone) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("looking at process %d of the machine: %w", pid, err)
		}
		all = append(all, p)
	}
	return all, nil
}

var errGone = errors.New("no such process")

// ticks is what the kernel counts processor time in for programs, everywhere.
const ticks = 100

func (m *Machine) process(pid int) (Process, error) {
	f, err := stat(pid)
	if err != nil {
		return Process{}, err
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return Process{}, err
	}
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return Process{}, err
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return Process{
		PID: pid, Name: strings.TrimSpace(string(name)), State: f[0],
		CPU:   trial.Seconds(time.Duration(user+system) * time.Second / ticks),
		Group: memoryGroup(string(groups), m.group.Path()),
	}, nil
}

// hostPID finds a process of the machine's by the number it has inside.
func (m *Machine) hostPID(inside int) (int, error) {
	pids, err := m.Pids()
	if err != nil {
		return 0, err
	}
	want := strconv.Itoa(inside)
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(b), "\nNSpid:")
		line, _, _ := strings.Cut(rest, "\n")
		if f := strings.Fields(line); len(f) > 1 && f[len(f)-1] == want {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("its engine, process %d inside, has already ended: %s", inside, m.lastWords())
}
