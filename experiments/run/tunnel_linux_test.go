package run

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/enginetest"
)

// TestEngineOfAnotherHost runs experiments on one computer with the engine of another, which
// it reaches by ssh alone. Pods, URLs and the suite are found at this computer's loopback
// address. On Docker, a second run loses every connection: that is no fault of the engine's,
// and nothing stays there either.
func TestEngineOfAnotherHost(t *testing.T) {
	needMachines(t)
	start := computers(t)
	for _, rt := range trial.Runtimes() {
		t.Run(string(rt), func(t *testing.T) {
			there, here := start(t, rt), start(t, rt)
			if err := here.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if rt == trial.Podman {
				there.limitFiles(t)
			}
			server := &enginetest.SSHServer{
				Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
					if network == "unix" {
						return net.Dial(network, filepath.Join(there.Root(), address))
					}
					return there.Dial(ctx, network, address)
				},
				Start: func(cmd *exec.Cmd) error {
					cmd.Env = there.env
					return there.Start(cmd)
				},
			}
			here.reachBySSH(t, server.Serve(t, here.RegistryHost()))
			spec := here.writeSpec(t, "testdata/tiny/workload-in-lab.yaml", fmt.Sprintf(`
factors: {strategy: [serial]}
settings:
  runtime: %s
  nodeImage: %s
  build: {args: {GO_IMAGE: "stratbench.local/go:1.26", RUN_IMAGE: "stratbench.local/run:bookworm"}}
design: {replicates: 1, warmUp: 0, reference: false, seed: 1}
`, rt, nodeImage))
			there.want = there.belongings(t)
			there.ends(t, func() { here.startSpec(t, spec).records(t, trial.OK) })
			if rt != trial.Docker {
				return
			}
			there.ends(t, func() {
				p := here.startSpec(t, spec)
				dir := p.awaits(t, "> Starting control-plane")
				server.Cut()
				p.wait(t)
				_, trials := readTrials(t, dir)
				if len(trials) != 1 || trials[0].Verdict.Outcome != trial.RunnerFault || trials[0].Verdict.Cause != trial.CauseTunnel {
					t.Errorf("recorded %+v", trials)
				}
			})
		})
	}
}

// limitFiles has the computer's Podman give its builds limits that it can grant without the
// right to raise them, which a container may lack.
func (c *computer) limitFiles(t *testing.T) {
	t.Helper()
	c.write(t, "/etc/containers/containers.conf.d/limits.conf", "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n")
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.startEngine(t)
}

// reachBySSH has programs on the computer use the engine behind an ssh server.
func (c *computer) reachBySSH(t *testing.T, server string) {
	t.Helper()
	c.env = slices.DeleteFunc(c.env, func(v string) bool { return strings.HasPrefix(v, "DOCKER_") || strings.HasPrefix(v, "CONTAINER_") })
	if c.rt == trial.Podman { // its own client needs no other program
		c.env = append(c.env, "CONTAINER_HOST=ssh://root@"+server+"/run/podman/podman.sock")
		// The podman command of a machine is for the machine's own engine.
		c.write(t, "/usr/local/bin/podman", "#!/bin/sh\nexec /usr/bin/podman \"$@\"\n")
		c.command(t, "chmod", "755", "/usr/local/bin/podman").wait(t)
		return
	}
	c.env = append(c.env, "DOCKER_HOST=ssh://root@"+server)
	program, err := exec.LookPath("ssh")
	if err != nil {
		cannotRun(t, "the program ssh is not installed (Debian: openssh-client)")
	}
	files, err := exec.Command("ldd", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	loader := ""
	for _, path := range append(strings.Fields(string(files)), program) {
		if !filepath.IsAbs(path) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		if c.write(t, "/opt/ssh/"+name, string(text)); strings.HasPrefix(name, "ld-") {
			loader = name
		}
	}
	c.write(t, "/opt/ssh/config", "StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\n")
	c.write(t, "/usr/local/bin/ssh", "#!/bin/sh\nexec /opt/ssh/"+loader+" --library-path /opt/ssh /opt/ssh/ssh -F /opt/ssh/config \"$@\"\n")
	c.command(t, "chmod", "-R", "755", "/opt/ssh", "/usr/local/bin/ssh").wait(t)
}
