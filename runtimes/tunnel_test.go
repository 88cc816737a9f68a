package runtimes_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/enginetest"
)

// TestMain gives the tests a home of their own. Podman's client, which reads HOME once in a
// process, writes there which hosts it has met.
func TestMain(m *testing.M) {
	home, err := os.MkdirTemp("", "stratbench-home")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("HOME", home)
	os.Unsetenv("SSH_AUTH_SOCK")
	code := m.Run()
	os.RemoveAll(home)
	os.Exit(code)
}

// farHost is a host behind an ssh server. At one address of its loopback interface, which is
// free here, a server says hello. Both engines have an address there, and neither exists.
type farHost struct {
	enginetest.SSHServer
	hello   string
	engines []runtimes.Endpoint
}

func startFarHost(t *testing.T) *farHost {
	t.Helper()
	plainSSH(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello")) }))
	t.Cleanup(server.Close)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	h := &farHost{hello: free.Addr().String()}
	h.Start = (*exec.Cmd).Start
	h.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != h.hello {
			return nil, syscall.ECONNREFUSED
		}
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	at := "ssh://somebody@" + h.Serve(t, "127.0.0.1")
	for _, rt := range trial.Runtimes() {
		h.engines = append(h.engines, runtimes.Endpoint{Runtime: rt, Address: at + "/run/engine.sock"})
	}
	return h
}

// plainSSH has the ssh program ignore what this user has configured and whom it knows.
func plainSSH(t *testing.T) {
	t.Helper()
	program, err := exec.LookPath("ssh")
	if err != nil {
		enginetest.Missing(t, "the program ssh is not installed (Debian: openssh-client)")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "config")
	for path, text := range map[string]string{
		config:                    "StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nPubkeyAuthentication no\n",
		filepath.Join(dir, "ssh"): fmt.Sprintf("#!/bin/sh\nexec %s -F %s \"$@\"\n", program, config),
	} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// greeted is what answers at an address of this host.
func greeted(address string) (string, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	answer, err := client.Get("http://" + address)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// closes waits until nothing listens at an address of this host.
func closes(t *testing.T, address string) {
	t.Helper()
	for range 100 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		conn.Close()
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("after 10 s, something still listens at %s", address)
}

func TestTunnel(t *testing.T) {
	h := startFarHost(t)
	for _, e := range h.engines {
		t.Run(string(e.Runtime), func(t *testing.T) {
			_, stop, err := e.Tunnel(t.Context(), []string{h.hello})
			if err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if text, err := greeted(h.hello); text != "hello" {
						t.Errorf("got %q, %v", text, err)
					}
				})
			}
			all.Wait()
			stop()
			closes(t, h.hello)
		})
	}
}

func TestABrokenTunnelSaysSo(t *testing.T) {
	h := startFarHost(t)
	for _, e := range h.engines {
		t.Run(string(e.Runtime), func(t *testing.T) {
			broken, stop, err := e.Tunnel(t.Context(), []string{h.hello})
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			select {
			case err := <-broken:
				t.Fatalf("broken from the beginning: %v", err)
			case <-time.After(200 * time.Millisecond):
			}
			h.Cut()
			select {
			case err := <-broken:
				if err == nil || !strings.Contains(err.Error(), "ended") {
					t.Errorf("the reason is %v", err)
				}
			case <-time.After(10 * time.Second):
				t.Error("not noticed within 10 s")
			}
		})
	}
}

func TestATunnelNeedsItsPort(t *testing.T) {
	h := startFarHost(t)
	taken, err := net.Listen("tcp", h.hello)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, e := range h.engines {
		if _, _, err := e.Tunnel(t.Context(), []string{h.hello}); err == nil || !strings.Contains(strings.ToLower(err.Error()), "address already in use") {
			t.Errorf("%s: %v", e.Runtime, err)
		}
	}
}

func TestWhereNoTunnelLeads(t *testing.T) {
	open, closed := startFarHost(t), startFarHost(t)
	closed.ForwardsNothing = true
	greets := startFarHost(t)
	greets.Dial = func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			there.Write([]byte("SSH-2.0-OpenSSH_10.0\r\n"))
			there.Close()
		}()
		return here, nil
	}
	for i, e := range open.engines {
		if err := greets.engines[i].CanTunnel(t.Context()); err != nil {
			t.Errorf("%s, where a server greets: %v", e.Runtime, err)
		}
		if err := e.CanTunnel(t.Context()); err != nil {
			t.Errorf("%s: %v", e.Runtime, err)
		}
		if err := closed.engines[i].CanTunnel(t.Context()); err == nil || !strings.Contains(err.Error(), "forwards no ports") {
			t.Errorf("%s, where nothing is forwarded: %v", e.Runtime, err)
		}
		e.Address = "ssh://somebody@" + open.hello // nothing listens there
		if err := e.CanTunnel(t.Context()); err == nil || strings.Contains(err.Error(), "forwards no ports") {
			t.Errorf("%s, where no ssh server is: %v", e.Runtime, err)
		}
	}
}

// TestATunnelIsTriedForATime has a server that says nothing where the trial connection
// leads, and another one in the place of the ssh server.
func TestATunnelIsTriedForATime(t *testing.T) {
	h := startFarHost(t)
	h.Dial = func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		t.Cleanup(func() { there.Close() })
		return here, nil
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, e := range h.engines {
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		if err := e.CanTunnel(ctx); err != nil {
			t.Errorf("%s, where something accepts and is silent: %v", e.Runtime, err)
		}
		cancel()
		e.Address = "ssh://somebody@" + silent.Addr().String() + "/run/engine.sock"
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		began := time.Now()
		if err := e.CanTunnel(ctx); err == nil || !strings.Contains(err.Error(), "ssh did not answer") || time.Since(began) > 6*time.Second {
			t.Errorf("%s, where the ssh server is silent: %v after %s", e.Runtime, err, time.Since(began))
		}
		cancel()
	}
}

// tunnelVariable has TestATunnelEndsWithItsProcess be the process that is killed.
const tunnelVariable = "STRATBENCH_TEST_TUNNEL"

func TestATunnelEndsWithItsProcess(t *testing.T) {
	if text := os.Getenv(tunnelVariable); text != "" {
		var e runtimes.Endpoint
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Fatal(err)
		}
		_, _, err := e.Tunnel(t.Context(), []string{e.Name})
		fmt.Println("tunnel:", err)
		time.Sleep(time.Minute)
		return
	}
	h := startFarHost(t)
	for _, e := range h.engines {
		t.Run(string(e.Runtime), func(t *testing.T) {
			e.Name = h.hello // only this test reads it
			text, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(os.Args[0], "-test.run=^TestATunnelEndsWithItsProcess$")
			cmd.Env = append(os.Environ(), tunnelVariable+"="+string(text), "TMPDIR="+t.TempDir())
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(out).ReadString('\n'); line != "tunnel: <nil>\n" {
				t.Errorf("the process says %q, %v", line, err)
			}
			if text, err := greeted(h.hello); text != "hello" {
				t.Errorf("got %q, %v", text, err)
			}
			cmd.Process.Kill()
			cmd.Wait()
			closes(t, h.hello)
		})
	}
}
