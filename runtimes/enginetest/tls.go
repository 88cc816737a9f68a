package enginetest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// DockerBehindTLS starts a Docker that stratbench does not run: in a machine,
// in the place of its own, behind TLS at a tcp address. Docker's command in the
// machine must reach it by the environment alone.
func DockerBehindTLS(t *testing.T) Place {
	t.Helper()
	if testing.Short() {
		t.Skip("real engines: not in -short")
	}
	m := StartMachine(t, trial.Docker)
	must(t, m.Stop(within(t, time.Minute)))
	dir := t.TempDir()
	Certificates(t, dir, m.Addr().AsSlice())
	const inside = "/etc/docker/tls"
	must(t, os.CopyFS(m.Root()+inside, os.DirFS(dir)))
	dockerd := exec.Command("dockerd", "--tlsverify", "--tlscacert="+inside+"/ca.pem", "--tlscert="+inside+"/server-cert.pem",
		"--tlskey="+inside+"/server-key.pem", "--host=tcp://0.0.0.0:2376")
	log, err := os.Create(filepath.Join(t.TempDir(), "dockerd.log"))
	must(t, err)
	dockerd.Stdout, dockerd.Stderr = log, log
	must(t, m.Start(dockerd))
	t.Cleanup(func() { dockerd.Process.Kill(); dockerd.Wait() })

	here := runtimes.Endpoint{Runtime: trial.Docker, Address: "tcp://" + m.Addr().String() + ":2376",
		TLS: runtimes.TLS{CA: dir + "/ca.pem", Cert: dir + "/cert.pem", Key: dir + "/key.pem"}}
	for ctx := within(t, time.Minute); here.Ping(ctx) != nil; time.Sleep(100 * time.Millisecond) {
		if ctx.Err() != nil {
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("dockerd behind TLS does not answer: %v\n%s", here.Ping(t.Context()), text)
		}
	}
	there := runtimes.Endpoint{Runtime: trial.Docker, Address: "tcp://127.0.0.1:2376", TLS: runtimes.TLS{CA: inside + "/ca.pem"}}
	command := exec.Command("docker", "version", "--format", "{{.Server.Os}}")
	command.Env = there.Environ([]string{"PATH=/usr/bin:/bin", "HOME=/root"})
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	must(t, m.Start(command))
	if err := command.Wait(); err != nil || strings.TrimSpace(said.String()) != "linux" {
		t.Fatalf("Docker's command says %v: %s", err, said.String())
	}
	return Place{Endpoint: here, RegistryHost: m.RegistryHost()}
}
