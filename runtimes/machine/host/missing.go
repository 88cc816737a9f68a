package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"

	"github.com/stratbench/stratbench/internal/trial"
)

// NotFoundError says that no engine of a runtime answers, and what to do.
type NotFoundError struct {
	Runtime trial.Runtime
	// Set is what names the engine: "DOCKER_HOST", "docker context colima". It
	// is empty when the usual sockets were tried.
	Set string
	// Tried are the addresses that were tried; of the usual sockets, those
	// that are there.
	Tried []*UnreachableError
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("%s: %s: %s", e.Runtime, e.Seen(), e.Cure())
}

// Seen is what was found instead of an engine.
func (e *NotFoundError) Seen() string {
	if len(e.Tried) == 0 && !installed(e.Runtime) {
		return "it is not installed here"
	} else if len(e.Tried) == 0 {
		return "it is not running here"
	}
	var texts []string
	for _, t := range e.Tried {
		texts = append(texts, t.Error())
	}
	text := strings.Join(texts, "; ")
	if e.Set != "" {
		text += fmt.Sprintf(" (%s names it, so no other engine is used)", e.Set)
	}
	return text
}

// Cure is what to do, in one sentence without an end.
func (e *NotFoundError) Cure() string {
	if len(e.Tried) == 0 {
		return start(e.Runtime)
	}
	var cures []string
	for _, t := range e.Tried {
		if cure := t.Cure(); !slices.Contains(cures, cure) {
			cures = append(cures, cure)
		}
	}
	text := strings.Join(cures, "; ")
	if e.Set == variable(e.Runtime) {
		text += "; or unset " + e.Set
	}
	return text
}

// Restarting reports whether an engine is there and does not answer just now,
// as one that is starting: somebody listens, or its program or service is seen.
// A socket that was left behind alone says nothing.
func (e *NotFoundError) Restarting() bool {
	for _, err := range e.Tried {
		for _, sign := range []error{syscall.ECONNRESET, syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF, context.DeadlineExceeded} {
			if errors.Is(err, sign) {
				return true
			}
		}
		if errors.Is(err, syscall.ECONNREFUSED) && strings.HasPrefix(err.Address, "unix://") && starting(e.Runtime) {
			return true
		}
	}
	return false
}

// starting reports whether the program of an engine runs, or systemd is about
// to start it.
func starting(r trial.Runtime) bool {
	program, unit := "dockerd", "docker.service"
	if r == trial.Podman {
		program, unit = "podman", "podman.service"
	}
	all, _ := procfs.AllProcs() // where there are none to be seen, none is
	if slices.ContainsFunc(all, func(p procfs.Proc) bool {
		name, err := p.Comm()
		return err == nil && name == program && !inContainer(p)
	}) {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state, _ := exec.CommandContext(ctx, "systemctl", "is-active", unit).Output() // which fails unless it is active
	return slices.Contains([]string{"activating", "deactivating", "reloading"}, strings.TrimSpace(string(state)))
}

// inContainer reports whether a process is known to be in a container, seen
// from here. Of other users' processes that is not told.
func inContainer(p procfs.Proc) bool {
	itself, err := procfs.Self()
	if err != nil {
		return false
	}
	own, err := itself.Namespaces()
	its, failed := p.Namespaces()
	return err == nil && failed == nil && own["pid"].Inode != its["pid"].Inode
}

func (e *NotFoundError) Unwrap() (errs []error) {
	for _, t := range e.Tried {
		errs = append(errs, t)
	}
	return errs
}

// SettingError says that a setting of the user's names no engine: a context
// that does not exist, an address that cannot be read.
type SettingError struct {
	Runtime trial.Runtime
	Err     error
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("finding the %s engine: %v", e.Runtime, e.Err)
}

func (e *SettingError) Unwrap() error { return e.Err }

// Named reports whether err is about an engine that the user has named: in a
// variable, as a context or as a connection. That is final: no other engine
// takes its place.
func Named(err error) bool {
	var setting *SettingError
	var missing *NotFoundError
	return errors.As(err, &setting) || errors.As(err, &missing) && missing.Set != ""
}

// Condition is in what way an engine does not answer.
type Condition string

// The conditions, which have different cures.
const (
	NotThere   Condition = "there is nothing"
	NotRunning Condition = "nothing listens"
	Denied     Condition = "permission denied"
	NoHost     Condition = "the host cannot be reached"
	Silent     Condition = "no answer in time"
	Unwell     Condition = "no answer as of a healthy engine"
	Other      Condition = "another engine answers"
)

// UnreachableError says that there is no engine to talk to at an address.
type UnreachableError struct {
	Runtime trial.Runtime
	Address string
	// Err is what happened when it was tried.
	Err error
}

func (e *UnreachableError) Error() string {
	text := fmt.Sprintf("%s at %s", e.Condition(), e.Address)
	switch e.Condition() {
	case NoHost, Unwell, Other:
		text += fmt.Sprintf(" (%v)", e.Err)
	}
	return text
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// Condition tells the ways not to answer apart.
func (e *UnreachableError) Condition() Condition {
	local := strings.HasPrefix(e.Address, "unix://") || strings.HasPrefix(e.Address, "npipe://")
	var timeout net.Error
	var dns *net.DNSError
	var other *otherEngineError
	switch {
	case errors.As(e.Err, &other):
		return Other
	case local && errors.Is(e.Err, fs.ErrNotExist):
		return NotThere
	case local && errors.Is(e.Err, fs.ErrPermission):
		return Denied
	case errors.Is(e.Err, context.DeadlineExceeded), errors.As(e.Err, &timeout) && timeout.Timeout():
		return Silent
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return NotRunning
	case errors.As(e.Err, &dns), !local && isDialing(e.Err):
		return NoHost
	}
	return Unwell
}

func isDialing(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// Cure is what to do about it.
func (e *UnreachableError) Cure() string {
	socket, local := strings.CutPrefix(e.Address, "unix://")
	switch c := e.Condition(); {
	case c == Other:
		return fmt.Sprintf("what listens there is Podman with Docker's API (podman-docker, Podman Desktop): write runtime: podman, with CONTAINER_HOST=%s where it is not found, or start Docker", e.Address)
	case c == Denied:
		return admission(e.Runtime, socket)
	case (c == NotThere || c == NotRunning) && local:
		return start(e.Runtime)
	case c == NotRunning:
		return "start the engine there, and have it listen on this address"
	case c == NoHost:
		return "correct the address, or bring the host into reach"
	case c == Silent && local:
		return fmt.Sprintf("it hangs or is overloaded; see its log, and restart it if %s info hangs too", e.Runtime)
	case c == Silent:
		return "see that the host is up and that no firewall is between"
	}
	return fmt.Sprintf("see what %s info says of it, and its log", e.Runtime)
}

// start says how the engine is started on this computer.
func start(r trial.Runtime) string {
	if !installed(r) {
		return "install and start it"
	}
	systemd := exists("/run/systemd/system")
	switch {
	case runtime.GOOS != "linux" && r == trial.Podman:
		return "start its machine: podman machine start (the first time: podman machine init)"
	case runtime.GOOS != "linux":
		return "start Docker Desktop, or what you have in its place (colima start)"
	case r == trial.Docker && systemd:
		return "start it: " + sudo() + "systemctl start docker"
	case r == trial.Docker:
		return "start it: " + sudo() + "dockerd"
	case systemd && os.Geteuid() == 0:
		return "start its service: systemctl start podman.socket"
	case systemd:
		return "start its service: systemctl --user start podman.socket"
	}
	return "start its service: podman system service --time=0"
}

// installed looks for the program that is the engine: with Docker on Linux that
// is not the docker command, which many images have alone.
func installed(r trial.Runtime) bool {
	name := string(r)
	if r == trial.Docker && runtime.GOOS == "linux" {
		name = "dockerd"
	}
	_, err := exec.LookPath(name)
	return err == nil || exists("/usr/sbin/"+name) // not in the PATH of ordinary users
}

func sudo() string {
	if os.Geteuid() == 0 {
		return ""
	}
	return "sudo "
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// admission says how to become one who may use a socket that is there. A
// socket whose folder is closed may be one of root's that is not there at all.
func admission(r trial.Runtime, socket string) string {
	me, err := user.Current()
	if err != nil {
		return "run stratbench with sudo"
	}
	group, open := groupOf(socket)
	switch {
	case os.Geteuid() == 0:
		return "root may not use it: stratbench is in a container or a sandbox that forbids it"
	case r == trial.Podman:
		return "it is root's Podman; " + start(r) + ", or run stratbench with sudo"
	case !open || group == "root":
		return "it is for root alone; run stratbench with sudo, or use rootless Docker"
	case isMember(me, group):
		return fmt.Sprintf("%s is in the group %s, but this session began before that: log in again, or run newgrp %s", me.Username, group, group)
	}
	return fmt.Sprintf("it is for the group %s, whose members are as mighty as root: sudo usermod -aG %s %s, then log in again; or run stratbench with sudo", group, group, me.Username)
}

// groupOf returns the group that may use a socket, and whether one may.
func groupOf(socket string) (name string, open bool) {
	info, err := os.Stat(socket)
	if err != nil {
		return "", false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || info.Mode().Perm()&0o060 != 0o060 {
		return "", false
	}
	id := strconv.Itoa(int(stat.Gid))
	group, err := user.LookupGroupId(id)
	if err != nil {
		return id, true
	}
	return group.Name, true
}

func isMember(u *user.User, group string) bool {
	g, err := user.LookupGroup(group)
	if err != nil {
		return false
	}
	ids, err := u.GroupIds()
	return err == nil && slices.Contains(ids, g.Gid)
}
