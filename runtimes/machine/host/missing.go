package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// NotFoundError is the error if no engine of a runtime answers. It says what to do.
type NotFoundError struct {
	Runtime trial.Runtime
	// Set is the setting that names the engine: "DOCKER_HOST", "docker context colima". It
	// is empty if the usual sockets were tried.
	Set string
	// Tried are the addresses that were tried; of the usual sockets, those that exist.
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

// Cure is what to do, without a full stop.
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

// Restarting reports whether an engine may be starting: something listens, or its program
// runs, or its service is starting. A socket alone proves nothing, as it may be a leftover.
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
	all, _ := procfs.AllProcs() // without /proc, no program is seen
	if slices.ContainsFunc(all, func(p procfs.Proc) bool {
		name, err := p.Comm()
		return err == nil && name == program && !inContainer(p)
	}) {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, manager := range []string{"--system", "--user"} {
		state, _ := exec.CommandContext(ctx, "systemctl", manager, "is-active", unit).Output() // which fails unless it is active
		if slices.Contains([]string{"activating", "deactivating", "reloading"}, strings.TrimSpace(string(state))) {
			return true
		}
	}
	return false
}

// inContainer reports whether a process is known to be in a container. That is not known for
// other users' processes.
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

// SettingError is the error if a setting of the user's names no engine: a context that does
// not exist, an address that cannot be parsed.
type SettingError struct {
	Runtime trial.Runtime
	Err     error
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("finding the %s engine: %v", e.Runtime, e.Err)
}

func (e *SettingError) Unwrap() error { return e.Err }

// Named reports whether err is about an engine that the user has named: in a variable, as a
// context or as a connection. No other engine takes its place.
func Named(err error) bool {
	var setting *SettingError
	var missing *NotFoundError
	return errors.As(err, &setting) || errors.As(err, &missing) && missing.Set != ""
}

// Condition is the way in which an engine does not answer.
type Condition string

// The conditions, which have different cures.
const (
	NotThere   Condition = "there is nothing"
	NotRunning Condition = "nothing listens"
	Denied     Condition = "permission denied"
	NoHost     Condition = "the host cannot be reached"
	Silent     Condition = "no answer in time"
	Unwell     Condition = "no answer of a healthy engine"
	Other      Condition = "another engine answers"
)

// UnreachableError is the error if no engine can be used at an address.
type UnreachableError struct {
	Runtime trial.Runtime
	Address string
	// Err is what happened when the address was tried.
	Err error
}

func (e *UnreachableError) Error() string {
	text := fmt.Sprintf("%s at %s", e.Condition(), e.Address)
	switch e.Condition() {
	case NoHost, Unwell, Other:
		text += fmt.Sprintf(" (%v)", e.reason())
	}
	return text
}

// reason is what happened, without the addresses that the layers of a client have added.
func (e *UnreachableError) reason() error {
	var dial *net.OpError
	var request *url.Error
	var ssh *runtimes.SSHError
	switch {
	case errors.As(e.Err, &ssh):
		return errors.New(ssh.Said)
	case errors.As(e.Err, &dial) && dial.Op == "dial":
		return dial.Err
	case errors.As(e.Err, &request):
		return request.Err
	}
	return e.Err
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// Condition classifies the error.
func (e *UnreachableError) Condition() Condition {
	local := strings.HasPrefix(e.Address, "unix://") || strings.HasPrefix(e.Address, "npipe://")
	var timeout net.Error
	var dns *net.DNSError
	var other *otherEngineError
	var dial *net.OpError
	var ssh *runtimes.SSHError
	switch {
	case errors.As(e.Err, &other):
		return Other
	case errors.As(e.Err, &ssh):
		for text, condition := range sshSays {
			if strings.Contains(ssh.Said, text) {
				return condition
			}
		}
		return Unwell
	case local && errors.Is(e.Err, fs.ErrNotExist):
		return NotThere
	case local && errors.Is(e.Err, fs.ErrPermission):
		return Denied
	case errors.Is(e.Err, context.DeadlineExceeded), errors.As(e.Err, &timeout) && timeout.Timeout():
		return Silent
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return NotRunning
	case errors.As(e.Err, &dns), !local && errors.As(e.Err, &dial) && dial.Op == "dial":
		return NoHost
	}
	return Unwell
}

// sshSays has the conditions that the ssh program prints.
var sshSays = map[string]Condition{
	"Could not resolve hostname": NoHost, "No route to host": NoHost, "Network is unreachable": NoHost,
	"Connection refused": NotRunning, "timed out": Silent,
}

// Cure is what to do about it.
func (e *UnreachableError) Cure() string {
	socket, local := strings.CutPrefix(e.Address, "unix://")
	at, _ := url.Parse(e.Address) // which Find has parsed before
	switch c := e.Condition(); {
	case at != nil && at.Scheme == "ssh" && c != Other:
		at.Path = ""
		return fmt.Sprintf("correct the address, or make this work without a password: ssh -o BatchMode=yes %s %s info", at, e.Runtime)
	case c == Other:
		return fmt.Sprintf("what listens there is Podman with Docker's API (podman-docker, Podman Desktop): write runtime: podman, and set CONTAINER_HOST=%s if it is not found; or start Docker", e.Address)
	case c == Denied:
		return admission(e.Runtime, socket)
	case (c == NotThere || c == NotRunning) && local:
		return start(e.Runtime)
	case c == NotRunning:
		return "start the engine there, and make it listen at this address"
	case c == NoHost:
		return "correct the address, or make the host reachable"
	case c == Silent && local:
		return fmt.Sprintf("it hangs or is overloaded; see its log, and restart it if %s info hangs too", e.Runtime)
	case c == Silent:
		return "check that the host is up and that no firewall is in between"
	}
	return fmt.Sprintf("look at the output of %s info, and at its log", e.Runtime)
}

// start returns how to start the engine on this computer.
func start(r trial.Runtime) string {
	if !installed(r) {
		return "install and start it"
	}
	systemd := exists("/run/systemd/system")
	switch {
	case runtime.GOOS != "linux" && r == trial.Podman:
		return "start its machine: podman machine start (the first time: podman machine init)"
	case runtime.GOOS != "linux":
		return "start Docker Desktop, or what you use instead (colima start)"
	case r == trial.Docker && systemd && ownDocker():
		return "start it: systemctl --user start docker"
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

// ownDocker reports whether this user has a rootless Docker, as a service that its set-up
// tool has made.
func ownDocker() bool {
	config, err := os.UserConfigDir()
	return err == nil && os.Geteuid() != 0 && exists(filepath.Join(config, "systemd/user/docker.service"))
}

// installed reports whether the engine's program is installed. For Docker on Linux that is
// not the docker command, which many images contain without the engine.
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

// admission returns how to get the right to use an existing socket. A socket below a
// folder that cannot be opened may not exist at all.
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
	return fmt.Sprintf("it is for the group %s, whose members have all rights of root: sudo usermod -aG %s %s, then log in again; or run stratbench with sudo", group, group, me.Username)
}

// groupOf returns the group that may use a socket, and whether there is one.
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
