package isolated

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/internal/trial"
)

// EnginePID is the engine's process number on the host.
func (m *Machine) EnginePID() int { return m.enginePID }

// Pids lists the numbers of the machine's processes on the host, without workers.
func (m *Machine) Pids() ([]int, error) { return m.group.Pids() }

// Processes returns what each process of the machine is doing. It leaves out those that
// end meanwhile.
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

// ticks is the number of units a second in which the kernel reports processor time to
// programs, on every architecture.
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

// hostPID finds the host's number of a process from its number in the machine.
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

// memoryGroup finds among a process's groups the one in which memory is counted, as a path
// below the machine's. The hierarchy of version 2 has the number 0.
func memoryGroup(groups []procfs.Cgroup, machine string) (group string) {
	for _, g := range groups {
		inner, found := below(g.Path, machine)
		if found && slices.Contains(g.Controllers, "memory") {
			return inner
		}
		if found && g.HierarchyID == 0 {
			group = inner
		}
	}
	return group
}

// below returns what follows a machine's group in the path of a group. If stratbench runs
// in a container, paths in the kernel's log, and in /proc on version 1, begin with the
// container's own group.
func below(path, machine string) (inner string, ok bool) {
	_, inner, ok = strings.Cut(path+"/", machine+"/")
	return strings.TrimSuffix(inner, "/"), ok
}

// parseKill parses the kernel's line about a process that it killed in or below a group:
// 6,1,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=…,
// mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task=go,pid=4711,uid=0
func parseKill(record, group string) (OOMKill, bool) {
	_, text, found := strings.Cut(record, "oom-kill:")
	if !found {
		return OOMKill{}, false
	}
	text, _, _ = strings.Cut(text, "\n")
	_, text, _ = strings.Cut(text, "task_memcg=")
	path, rest, _ := strings.Cut(text, ",task=")
	inner, found := below(path, group)
	if !found {
		return OOMKill{}, false
	}
	// The program chooses the name, which may contain commas.
	end := strings.LastIndex(rest, ",pid=")
	if end < 0 {
		return OOMKill{}, false
	}
	number, _, _ := strings.Cut(rest[end+len(",pid="):], ",")
	pid, err := strconv.Atoi(number)
	return OOMKill{PID: pid, Name: rest[:end], Group: inner}, err == nil
}

// killWatch reads from the kernel's log which processes of a machine it killed for want of
// memory. Only the log has their names.
type killWatch struct {
	group string
	kmsg  *os.File
	done  chan struct{}
	mu    sync.Mutex
	kills []OOMKill
}

// watchKills watches from now on. If the log cannot be read, the watch finds nothing, and
// kills are only counted by the control group.
func watchKills(group string) *killWatch {
	w := &killWatch{group: group, done: make(chan struct{})}
	f, err := os.OpenFile("/dev/kmsg", os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err == nil {
		_, err = f.Seek(0, unix.SEEK_END)
	}
	if err != nil {
		close(w.done)
		return w
	}
	w.kmsg = f
	go w.follow()
	return w
}

func (w *killWatch) follow() {
	defer close(w.done)
	record := make([]byte, 8192)
	for {
		n, err := w.kmsg.Read(record)
		if errors.Is(err, syscall.EPIPE) {
			continue // records were overwritten before they were read
		}
		if err != nil {
			return
		}
		if k, ok := parseKill(string(record[:n]), w.group); ok {
			w.mu.Lock()
			w.kills = append(w.kills, k)
			w.mu.Unlock()
		}
	}
}

func (w *killWatch) list() []OOMKill {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.kills)
}

func (w *killWatch) stop() {
	if w.kmsg != nil {
		w.kmsg.Close()
	}
	<-w.done
}
