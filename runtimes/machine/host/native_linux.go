package host

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// podmanStore identifies the store that a Podman works on.
type podmanStore struct {
	Host struct {
		Security struct{ Rootless bool }
	}
	Store struct{ GraphRoot, RunRoot string }
}

// native reports whether the podman command, run by this user without any setting, works on
// the same store as the service at e.
func native(ctx context.Context, e runtimes.Endpoint) bool {
	socket, ok := strings.CutPrefix(e.Address, "unix://")
	if e.Runtime != trial.Podman || !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // a loaded host is slow to start podman
	defer cancel()
	pid, err := runtimes.PeerPID(ctx, socket)
	if err != nil || pid == 0 {
		return false
	}
	text, err := e.Ask(ctx, http.MethodGet, "/v4.0.0/libpod/info")
	var service, command podmanStore
	if err != nil || json.Unmarshal(text, &service) != nil {
		return false
	}
	cmd := exec.CommandContext(ctx, "podman", "info", "--format", "json")
	cmd.Env = runtimes.Endpoint{Runtime: trial.Podman, Native: true}.Environ(os.Environ())
	text, err = cmd.Output()
	if err != nil || json.Unmarshal(text, &command) != nil {
		return false
	}
	return service == command && sameFolder(pid, command.Store.GraphRoot)
}

// sameFolder reports whether another process sees the same folder at a path as this one. If
// this process may not look, the equal paths count.
func sameFolder(pid int, path string) bool {
	theirs, err := os.Stat(fmt.Sprintf("/proc/%d/root%s", pid, path))
	if err != nil {
		return os.IsPermission(err)
	}
	ours, err := os.Stat(path)
	return err == nil && os.SameFile(ours, theirs)
}

// OnLoopback reports whether the engine reaches what listens at this host's loopback
// address: it is on this host, and in the same network. A rootless Docker is in one of
// its own. If this process may not look, the engine counts as reaching it.
func OnLoopback(ctx context.Context, e runtimes.Endpoint) bool {
	socket, ok := strings.CutPrefix(e.Address, "unix://")
	if !ok {
		return false
	}
	pid, err := runtimes.PeerPID(ctx, socket)
	if err != nil || pid == 0 {
		return true
	}
	theirs, err := os.Stat(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return true
	}
	ours, err := os.Stat("/proc/self/ns/net")
	return err != nil || os.SameFile(ours, theirs)
}
