package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
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

// TestOnlyWhatTearsDownGoesOn cancels commands that do not end by themselves.
func TestOnlyWhatTearsDownGoesOn(t *testing.T) {
	for _, c := range []struct {
		annotation, args string
		goesOn           bool
	}{
		{"", "work", false}, {always, "work", true}, {"confirm", "work", false}, {"confirm", "work --confirm=x", true},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		release, over := make(chan struct{}), errors.New("over")
		work := &cobra.Command{Use: "work", Annotations: map[string]string{tearsDown: c.annotation}, RunE: func(*cobra.Command, []string) error {
			cancel()
			<-release
			return over
		}}
		work.Flags().String("confirm", "", "")
		root := &cobra.Command{Use: "stratbench", SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(work)
		root.SetArgs(strings.Fields(c.args))
		if c.goesOn {
			time.AfterFunc(50*time.Millisecond, func() { close(release) })
		}
		err := execute(ctx, root)
		if !c.goesOn {
			close(release)
		}
		if want := map[bool]error{true: over, false: context.Canceled}[c.goesOn]; !errors.Is(err, want) {
			t.Errorf("%q, annotated %q: %v, want %v", c.args, c.annotation, err, want)
		}
	}
	for _, name := range []string{"run", "compare", "confirm", "check", "lab", "clean", "worker"} {
		if cmd, _, err := rootCommand().Find([]string{name}); err != nil || cmd.Annotations[tearsDown] == "" {
			t.Errorf("%s is ended without taking anything down: %v", name, err)
		}
	}
	if cmd, _, _ := rootCommand().Find([]string{"check"}); cmd.Flags().Lookup(cmd.Annotations[tearsDown]) == nil {
		t.Error("check has no flag of the name in its annotation")
	}
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
