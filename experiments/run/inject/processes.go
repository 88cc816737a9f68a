package inject

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/stratbench/stratbench/outcomes/probe"
)

func (i *Injector) signalEngine(s syscall.Signal) (string, error) {
	pid := i.target.EnginePID()
	return fmt.Sprintf("sent %s to the engine, process %d", s, pid), syscall.Kill(pid, s)
}

// killContainerd kills each containerd that the engine starts, for a while: it would
// otherwise be back before anything needs it.
func (i *Injector) killContainerd() (string, error) {
	const lasts = 20 * time.Second
	until := time.Now().Add(lasts)
	_, err := i.signalContainerd(syscall.SIGKILL)
	i.again(50*time.Millisecond, func() {
		if time.Now().Before(until) {
			_, _ = i.signalContainerd(syscall.SIGKILL) // fails while there is none
		}
	})
	return fmt.Sprintf("kills the engine's containerd for %s, each time it is started", lasts), err
}

func (i *Injector) signalContainerd(s syscall.Signal) (string, error) {
	pids, err := i.target.Pids()
	if err != nil {
		return "", err
	}
	for _, pid := range pids {
		p, err := probe.ReadProcess(pid)
		if err == nil && p.Parent == i.target.EnginePID() && p.Name == "containerd" {
			return fmt.Sprintf("sent %s to the engine's containerd, process %d", s, pid), syscall.Kill(pid, s)
		}
	}
	return "", errors.New("the engine has no process containerd")
}

// killNode has the engine kill the container of the cluster's node.
func (i *Injector) killNode() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	node := i.Cluster + "-control-plane"
	_, err := i.Machine.WatchEndpoint().Ask(ctx, http.MethodPost, "/v1.40/containers/"+node+"/kill?signal=KILL")
	return "killed the container " + node, err
}

// killAPIServer kills the API server, and each that the kubelet starts in its
// place, until the trial has ended.
func (i *Injector) killAPIServer() (string, error) {
	i.again(100*time.Millisecond, func() {
		all, _ := i.target.Processes() // tried again soon
		for _, p := range all {
			if p.Name == "kube-apiserver" {
				_ = syscall.Kill(p.PID, syscall.SIGKILL)
			}
		}
	})
	return "kills the API server, each time it is started", nil
}

func (i *Injector) killWorker() (string, error) {
	i.mu.Lock()
	pid := i.worker
	i.mu.Unlock()
	if pid == 0 {
		return "", errors.New("no worker has started")
	}
	return fmt.Sprintf("killed the worker, process %d", pid), syscall.Kill(pid, syscall.SIGKILL)
}

// killRunner kills this process, in the first attempt only: the run is then
// resumed.
func (i *Injector) killRunner() (string, error) {
	if i.Attempt > 1 {
		return "the runner was killed in the first attempt; this one goes on", nil
	}
	i.Say(i.Elapsed(), "! fault "+i.Name+" injected: the runner kills itself")
	return "", syscall.Kill(os.Getpid(), syscall.SIGKILL)
}
