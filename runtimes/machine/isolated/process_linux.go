package isolated

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

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
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("looking at process %d of the machine: %w", pid, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// ticks is what the kernel counts processor time in for programs, everywhere.
const ticks = 100

func (m *Machine) process(pid int) (Process, error) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return Process{}, err
	}
	stat, err := proc.Stat()
	if err != nil {
		return Process{}, err
	}
	groups, err := proc.Cgroups()
	if err != nil {
		return Process{}, err
	}
	return Process{
		PID: pid, Name: stat.Comm, State: stat.State,
		CPU:   trial.Seconds(time.Duration(stat.UTime+stat.STime) * time.Second / ticks),
		Group: memoryGroup(groups, m.group.Path()),
	}, nil
}

// hostPID finds a process of the machine's by the number it has inside.
func (m *Machine) hostPID(inside int) (int, error) {
	pids, err := m.Pids()
	if err != nil {
		return 0, err
	}
	for _, pid := range pids {
		proc, err := procfs.NewProc(pid)
		if err != nil {
			continue
		}
		status, err := proc.NewStatus()
		if n := len(status.NSpids); err == nil && n > 1 && status.NSpids[n-1] == uint64(inside) {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("its engine, process %d inside, has already ended: %s", inside, m.lastWords())
}
