package host

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/enginetest"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

// findCommand makes this program find a user's Podman and print it.
const findCommand = "find-podman"

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
	os.Exit(m.Run())
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
