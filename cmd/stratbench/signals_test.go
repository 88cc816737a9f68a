package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// signalled has the test program wait for a signal, and say how it ended.
const signalled = "STRATBENCH_TEST_SIGNALLED"

func init() {
	if os.Getenv(signalled) == "" {
		return
	}
	ctx, stop := interruptible()
	os.Stderr = lasting(os.Stderr)
	os.Stdout.WriteString("ready")
	<-ctx.Done()
	os.Stderr.WriteString("nobody reads this")
	os.Stdout.WriteString("clean")
	time.Sleep(time.Minute) // the second signal comes
	stop()
}

// TestSignalsStopCleanly sends each signal twice: the first ends the context,
// the second the program. Under nohup the loss of the terminal is nothing, and
// a standard error that nobody reads is nothing either.
func TestSignalsStopCleanly(t *testing.T) {
	// What this program handles, its children begin with as usual, also when
	// the tests themselves run under nohup.
	handled := make(chan os.Signal, 1)
	signal.Notify(handled, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(handled) })
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		p := waiting(t, os.Args[0])
		p.signal(t, s)
		p.says(t, "clean")
		time.Sleep(100 * time.Millisecond) // until the signal has its default meaning again
		p.signal(t, s)
		var exit *exec.ExitError
		if err := p.cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != s {
			t.Errorf("after %s twice: %v", s, err)
		}
	}
	p := waiting(t, "nohup", os.Args[0])
	p.signal(t, syscall.SIGHUP)
	p.signal(t, syscall.SIGTERM)
	p.says(t, "clean")
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

type waitingProgram struct {
	cmd *exec.Cmd
	out *os.File
}

func waiting(t *testing.T, argv ...string) waitingProgram {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	cmd := exec.Command(argv[0], argv[1:]...)
	unread, broken, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	unread.Close()
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), signalled+"=yes"), w, broken
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	broken.Close()
	t.Cleanup(func() { cmd.Process.Kill() })
	p := waitingProgram{cmd, r}
	p.says(t, "ready")
	return p
}

func (p waitingProgram) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func (p waitingProgram) says(t *testing.T, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := p.out.Read(got); err != nil || string(got) != want {
		t.Fatalf("the program says %q (%v), want %q", got, err, want)
	}
}
