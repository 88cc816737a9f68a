package host

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/enginetest"
)

// Each condition is created for real, and has its own cure.
func TestWaysNotToAnswer(t *testing.T) {
	home := alone(t)
	before := answerTime
	t.Cleanup(func() { answerTime = before })
	answerTime = 3 * time.Second
	stale := home + "/stale.sock"
	if l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale}); err != nil {
		t.Fatal(err)
	} else {
		l.SetUnlinkOnClose(false)
		l.Close()
	}
	hangs, err := net.Listen("unix", home+"/hangs.sock")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hangs.Close() })
	notHTTP, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := notHTTP.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("SSH-2.0-OpenSSH_10.0\r\n"))
			c.Close()
		}
	}()
	t.Cleanup(func() { notHTTP.Close() })
	for address, want := range map[string]Condition{
		"unix://" + home + "/none.sock":   NotThere,
		"unix://" + stale:                 NotRunning,
		"unix://" + home + "/hangs.sock":  Silent,
		serve(t, home+"/ill.sock", 500):   Unwell,
		"tcp://127.0.0.1:1":               NotRunning,
		"tcp://no-such-host.invalid:2375": NoHost,
		"ssh://no-such-host.invalid":      NoHost,
		"ssh://somebody@127.0.0.1:1":      NotRunning,
	} {
		if _, err := exec.LookPath("ssh"); err != nil && strings.HasPrefix(address, "ssh://") {
			enginetest.Missing(t, "the program ssh is not installed (Debian: openssh-client)")
		}
		t.Setenv("DOCKER_HOST", address)
		_, err := Find(t.Context(), trial.Docker)
		var e *UnreachableError
		if !errors.As(err, &e) || e.Condition() != want {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if !strings.Contains(err.Error(), address) || strings.ContainsAny(err.Error(), "\r\n") || e.Cure() == "" {
			t.Errorf("%s: the error does not tell: %v", address, err)
		}
	}
}

// An engine is waited for only if something shows that it is about to answer.
func TestRestarting(t *testing.T) {
	home := alone(t)
	stale := home + "/stale.sock"
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale})
	if err != nil {
		t.Fatal(err)
	}
	restarting := func() bool {
		_, err := Find(t.Context(), trial.Docker)
		var missing *NotFoundError
		return errors.As(err, &missing) && missing.Restarting()
	}
	t.Setenv("DOCKER_HOST", "unix://"+stale)
	if !restarting() {
		t.Error("somebody listens and does not answer: not waited for")
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if restarting() {
		t.Error("a socket was left behind, and is waited for")
	}
	sleep, err := exec.LookPath("sleep")
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("no program can be named dockerd here")
	}
	text, err := os.ReadFile(sleep)
	if err == nil {
		err = os.WriteFile(home+"/dockerd", text, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	program := exec.Command(home+"/dockerd", "60")
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	defer program.Wait()
	defer program.Process.Kill()
	if !restarting() {
		t.Error("its program runs: not waited for")
	}
}

func TestConditionOfAnError(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Condition
	}{
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EACCES)}, NoHost}, // a firewall
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}, NoHost},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, Unwell},
		{context.DeadlineExceeded, Silent},
		{errors.New("it answers 404 Not Found"), Unwell},
		{&runtimes.SSHError{Said: "ssh: connect to host a port 22: Operation timed out"}, Silent},
		{&runtimes.SSHError{Said: "a@b: Permission denied (publickey)."}, Unwell},
	} {
		e := &UnreachableError{Runtime: trial.Docker, Address: "tcp://192.0.2.1:2376", Err: c.err}
		if got := e.Condition(); got != c.want {
			t.Errorf("%v is %q, want %q", c.err, got, c.want)
		}
	}
}

// An ordinary user finds a socket of root's: this test starts itself again as such a user.
func TestPermissionDenied(t *testing.T) {
	if path := os.Getenv("STRATBENCH_TEST_SOCKET"); path != "" {
		os.Setenv("DOCKER_HOST", "unix://"+path)
		_, err := Find(t.Context(), trial.Docker)
		if err != nil {
			os.Stdout.WriteString(err.Error())
		}
		return
	}
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("becoming another user needs root")
		}
		t.Skip("becoming another user needs root")
	}
	dir, err := os.MkdirTemp("", "stratbench-socket-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	serve(t, dir+"/docker.sock", http.StatusOK)
	for _, c := range []struct {
		group int
		mode  os.FileMode
		want  string
	}{
		{0, 0o600, "run stratbench with sudo"},
		{2, 0o660, "usermod -aG bin nobody"},
	} {
		err := errors.Join(os.Chmod(dir, 0o755), os.Chown(dir+"/docker.sock", 0, c.group), os.Chmod(dir+"/docker.sock", c.mode))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		program := dir + "/test"
		copyFile(t, "/proc/self/exe", program)
		cmd := exec.CommandContext(ctx, program, "-test.run", "^TestPermissionDenied$")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "STRATBENCH_TEST_SOCKET="+dir+"/docker.sock", "HOME="+dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), string(Denied)) || !strings.Contains(string(out), c.want) {
			t.Errorf("%v\n%s\nwant %q", err, out, c.want)
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o755); err != nil {
		t.Fatal(err)
	}
}
