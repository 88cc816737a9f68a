package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/enginetest"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

// findCommand makes this program find a user's Podman and print it.
const findCommand = "find-podman"

// listenCommand makes this program listen at a socket, as an engine does.
const listenCommand = "listen"

func TestMain(m *testing.M) {
	isolated.Main()
	if len(os.Args) == 2 && os.Args[1] == findCommand {
		e, err := Find(context.Background(), trial.Podman)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		json.NewEncoder(os.Stdout).Encode(e)
		os.Exit(0)
	}
	if len(os.Args) == 3 && os.Args[1] == listenCommand {
		l, err := net.Listen("unix", os.Args[2])
		for err == nil {
			_, err = l.Accept()
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if len(os.Args) == 2 && os.Args[1] == upgradeCommand {
		m, err := Open(runtimes.Endpoint{})
		if err == nil {
			self, _ := os.Executable()
			err = errors.Join(os.Remove(self), os.WriteFile(self, []byte("#!/bin/false\n"), 0o755))
		}
		if err == nil {
			var out []byte
			out, err = exec.Command(m.Self(), "-test.list", "^TestAnUpgradeInMidRun$").Output()
			os.Stdout.Write(out)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// upgradeCommand makes this program replace its own file and start itself again.
const upgradeCommand = "upgrade"

func TestAnUpgradeInMidRun(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	copyFile(t, "/proc/self/exe", program)
	if out, err := exec.Command(program, upgradeCommand).CombinedOutput(); err != nil || !bytes.Contains(out, []byte("TestAnUpgradeInMidRun")) {
		t.Errorf("the worker after an upgrade is another program: %s, %v", out, err)
	}
}

// TestWhosePodmanTheCommandIs runs in a machine, whose Podman is the user's there, and in
// which another Podman has a store of its own.
func TestWhosePodmanTheCommandIs(t *testing.T) {
	m := enginetest.StartMachine(t, trial.Podman)
	const other = "unix:///run/other.sock"
	service := exec.Command("/usr/bin/podman", "--root=/var/lib/other", "--runroot=/run/other", "system", "service", "--time=0", other)
	if err := m.Start(service); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { service.Process.Kill(); service.Wait() })

	find := func(address string) runtimes.Endpoint {
		var out, said bytes.Buffer
		var e runtimes.Endpoint
		for range 50 { // the other service takes a moment
			cmd := exec.Command(m.Self(), findCommand)
			cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/root", "CONTAINER_HOST=" + address}
			out.Reset()
			said.Reset()
			cmd.Stdout, cmd.Stderr = &out, &said
			if err := m.Start(cmd); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err == nil {
				break
			}
			time.Sleep(200 * time.Millisecond)
		}
		if err := json.Unmarshal(out.Bytes(), &e); err != nil {
			t.Fatalf("finding %s: %v: %s", address, err, said.String())
		}
		return e
	}
	if e := find("unix:///run/podman/podman.sock"); !e.Native {
		t.Errorf("this user's own Podman is not known as such: %+v", e)
	}
	if e := find(""); !e.Native || e.Source != "the usual socket" {
		t.Errorf("this user's own Podman at its usual socket: %+v", e)
	}
	if e := find(other); e.Native {
		t.Errorf("a Podman with another store is taken for this user's own: %+v", e)
	}
}

// TestWhoReachesTheLoopback asks of programs that listen as engines do: one in this
// network, and one in a network of its own, as a rootless Docker is.
func TestWhoReachesTheLoopback(t *testing.T) {
	own := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if uid := os.Geteuid(); uid != 0 {
		own.Cloneflags |= syscall.CLONE_NEWUSER
		own.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
	}
	for _, c := range []struct {
		name    string
		process *syscall.SysProcAttr
		want    bool
	}{
		{"in this network", nil, true},
		{"in its own network", own, false},
	} {
		socket := t.TempDir() + "/s"
		cmd := exec.Command("/proc/self/exe", listenCommand, socket)
		cmd.SysProcAttr, cmd.Stderr = c.process, os.Stderr
		if err := cmd.Start(); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skipf("%s: %v", c.name, err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		for range 100 {
			if conn, err := net.Dial("unix", socket); err == nil {
				conn.Close()
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if got := OnLoopback(t.Context(), runtimes.Endpoint{Runtime: trial.Docker, Address: "unix://" + socket}); got != c.want {
			t.Errorf("an engine %s reaches the loopback: %v", c.name, got)
		}
	}
	if OnLoopback(t.Context(), runtimes.Endpoint{Runtime: trial.Docker, Address: "tcp://127.0.0.1:2375"}) {
		t.Error("an engine at a tcp address, which may be a tunnel, counts as on this host")
	}
}
