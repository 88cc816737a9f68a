package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/stratbench/stratbench/pipeline/deploy"
)

// hook runs a command of the workload's as part of the phase, if there is one.
func (t *run) hook(ctx context.Context, ph *phase, when string, args []string) error {
	if len(args) == 0 {
		return nil
	}
	name := fmt.Sprintf("hook %s %s", when, ph.name)
	return ph.within(name, "", name, func() error { return t.command(ctx, ph, "", deploy.Command{Args: args, Dir: t.cfg.HooksDir}) })
}

// command runs a command of the workload's and logs what it prints. image is the one
// that it builds, if it builds one.
func (t *run) command(ctx context.Context, ph *phase, image string, c deploy.Command) error {
	log := &lines{emit: func(line string) { ph.log(image, line) }}
	cmd := t.process(ctx, c)
	cmd.Stdout, cmd.Stderr = log, log
	err := cmd.Run()
	log.flush()
	t.left(cmd)
	if errors.Is(err, exec.ErrWaitDelay) {
		ph.note("the command %s succeeded, and left processes running that hold its output open", c.Args[0])
		return nil
	}
	if err != nil {
		return fmt.Errorf("running %s: %w", c.Args[0], err)
	}
	return nil
}

// process prepares a command. When ctx ends, all processes that it started end:
// a test binary would otherwise outlive go test.
func (t *run) process(ctx context.Context, c deploy.Command) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), "KIND_CLUSTER_NAME="+t.cfg.ClusterName, "KIND_EXPERIMENTAL_PROVIDER="+string(t.cfg.Endpoint.Runtime))
	for name, value := range c.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, t.cfg.names()...)
	cmd.WaitDelay = 2 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// left notes the processes that a command has left running in its process group. The
// tests may need them, so they end with the trial.
func (t *run) left(cmd *exec.Cmd) {
	if cmd.Process == nil || syscall.Kill(-cmd.Process.Pid, 0) != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.groups = append(t.groups, cmd.Process.Pid)
}

// endGroups ends what commands have left running.
func (t *run) endGroups() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, group := range t.groups {
		_ = syscall.Kill(-group, syscall.SIGKILL) // it may have ended by itself
	}
}

// names are environment variables that give commands of the workload the names of
// the trial's cluster and images, and the limits of its phases.
func (c Config) names() []string {
	vars := []string{"KUBECONFIG=" + c.Kubeconfig(), "STRATBENCH_CLUSTER=" + c.ClusterName, "STRATBENCH_CONTEXT=kind-" + c.ClusterName,
		"STRATBENCH_RUNTIME=" + string(c.Endpoint.Runtime), "STRATBENCH_STRATEGY=" + c.Schedule.Strategy}
	for _, i := range c.Images {
		name := strings.ToUpper(strings.ReplaceAll(i.Name, "-", "_"))
		vars = append(vars, "STRATBENCH_IMAGE_"+name+"="+i.Ref, "STRATBENCH_TAG_"+name+"="+i.Tag)
	}
	for phase, limit := range c.Limits {
		vars = append(vars, fmt.Sprintf("STRATBENCH_LIMIT_%s=%.0f", strings.ToUpper(string(phase)), limit.Seconds()))
	}
	return vars
}

// longestLine bounds a log line. A longer one is broken up.
const longestLine = 32 << 10

// lines is a writer that emits whole lines.
type lines struct {
	mu   sync.Mutex
	rest []byte
	emit func(string)
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		if end < 0 && len(l.rest) < longestLine {
			return len(p), nil
		}
		if end < 0 {
			end = len(l.rest) - 1
		}
		l.emit(string(bytes.TrimRight(l.rest[:end+1], "\r\n")))
		l.rest = l.rest[end+1:]
	}
}

// flush emits the last line if it has no line break.
func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		l.emit(string(l.rest))
	}
	l.rest = nil
}
