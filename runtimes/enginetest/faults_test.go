package enginetest

import (
	"context"
	"crypto/rand"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/procfs"

	"github.com/stratbench/stratbench/runtimes"
)

// socket is the engine's unix socket, by which its process can be found; empty for
// another address.
func (s suite) socket() string {
	if path, ok := strings.CutPrefix(s.Endpoint.Address, "unix://"); ok {
		return path
	}
	return ""
}

// standstill stops the engine's process while its socket goes on accepting.
func (s suite) standstill(t *testing.T) {
	start := stop(t, s.socket())
	defer start()
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := s.Endpoint.Ping(ctx)
	if took := time.Since(began); took > 900*time.Millisecond {
		t.Errorf("a ping with 700 ms to answer returned after %s", took)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a ping of a stopped engine: %v", err)
	}
	start()
	if err := s.Endpoint.Ping(within(t)); err != nil {
		t.Errorf("after the engine went on: %v", err)
	}
}

// crash kills the engine in the middle of a build.
func (s suite) crash(t *testing.T) {
	token := token()
	r := newRecorder(t)
	r.started = whenRunning(t, token, func() { kill(t, s.socket()) })
	_, err := s.Engine.Build(within(t), s.endless(t, "crashed", token), r.report)
	r.close()
	t.Log(err)
	said := func(words string) bool { return err != nil && strings.Contains(err.Error(), words) }
	if !slices.ContainsFunc(s.LastWords, said) {
		t.Errorf("building while the engine is killed: %v, want one of %q in it", err, s.LastWords)
	}
}

// buildCancelled cancels a build whose command runs.
func (s suite) buildCancelled(t *testing.T) {
	token := token()
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	r := newRecorder(t)
	var at time.Time
	r.started = whenRunning(t, token, func() {
		at = time.Now()
		cancel()
	})
	_, err := s.Engine.Build(ctx, s.endless(t, "cancelled", token), r.report)
	r.close()
	if err == nil || ctx.Err() == nil {
		t.Fatalf("the build ended by itself: %v", err)
	}
	if late := time.Since(at); late > 5*time.Second {
		t.Errorf("the build returned %s after it was cancelled", late)
	}
	running(t, token, false)
	t.Logf("%v; the command was gone %s after the cancellation", err, time.Since(at))
}

// endless is a build whose command has the token among its arguments and does not end.
func (s suite) endless(t *testing.T, name, token string) runtimes.Build {
	return runtimes.Build{Tag: s.own(t, name), Context: folder(t, "FROM "+baseImage+"\nRUN [\"/probe\", \"sleep\", \"1h\", \""+token+"\"]\n")}
}

// whenRunning calls do once the command of the step with the token runs.
func whenRunning(t *testing.T, token string, do func()) func(step string) {
	return func(step string) {
		if strings.Contains(step, token) {
			go func() {
				running(t, token, true)
				do()
			}()
		}
	}
}

// token is a word that no other process has among its arguments.
func token() string { return "token-" + rand.Text() }

// running waits until a process with the token among its arguments runs, or until none
// does. The processes in the containers of an engine on this kernel can be seen here.
func running(t *testing.T, token string, want bool) {
	if runtime.GOOS != "linux" {
		t.Log("the processes of the engine's containers cannot be seen from here")
		return
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if found(t, token) == want {
			return
		}
	}
	t.Errorf("after 20 s: a process with %s runs: %t, want %t", token, !want, want)
}

func found(t *testing.T, token string) bool {
	all, err := procfs.AllProcs()
	if err != nil {
		t.Errorf("listing processes: %v", err)
	}
	return slices.ContainsFunc(all, func(p procfs.Proc) bool {
		args, err := p.CmdLine() // fails for a process that has ended meanwhile
		return err == nil && strings.Contains(strings.Join(args, " "), token)
	})
}
