package main

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// The answers have the fields of Docker 26.1 and Podman 5.4, with the values
// that Kind's documentation gives for a user of systemd: no rootless engine was
// at hand to record them from. Only the two controllers are delegated that
// systemd before version 252 delegates by itself.
var rootless = map[trial.Runtime]map[string]string{
	trial.Docker: {
		"version": `{"Version": "26.1.5", "ApiVersion": "1.45", "Os": "linux"}`,
		"info": `{"ID": "d0c", "Driver": "overlay2", "CgroupDriver": "systemd", "CgroupVersion": "2", "NCPU": 4, "MemTotal": 8589934592,
			"MemoryLimit": true, "PidsLimit": true, "CPUShares": false, "SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"]}`,
	},
	trial.Podman: {
		"info": `{"host": {"cgroupControllers": ["memory", "pids"], "cgroupVersion": "v2", "cpus": 4, "memTotal": 8589934592, "security": {"rootless": true}},
			"store": {"graphDriverName": "overlay"}, "version": {"Version": "5.4.2", "APIVersion": "5.4.2"}}`,
	},
}

// playEngine plays an engine on a socket.
func playEngine(t *testing.T, rt trial.Runtime, texts map[string]string) (address string) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.45")
		w.Header().Set("Ostype", "linux")
		if rt == trial.Podman {
			w.Header().Set("Libpod-Api-Version", "5.4.2")
		}
		if what := filepath.Base(r.URL.Path); texts[what] != "" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(texts[what]))
		} else if what != "_ping" {
			w.WriteHeader(http.StatusNotFound)
		}
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return "unix://" + l.Addr().String()
}

func TestDoctorOfRootlessEngines(t *testing.T) {
	for name, value := range map[string]string{"HOME": t.TempDir(), "DOCKER_CONFIG": t.TempDir(), "CONTAINERS_CONF": os.DevNull, "DOCKER_CONTEXT": "", "CONTAINER_CONNECTION": ""} {
		t.Setenv(name, value)
	}
	for rt, texts := range rootless {
		t.Setenv("DOCKER_HOST", playEngine(t, rt, texts))
		t.Setenv("CONTAINER_HOST", os.Getenv("DOCKER_HOST"))
		c, _, _ := engineChecks(t.Context(), machine.Look(t.Context(), rt), rt)
		if c.OK || !strings.Contains(c.Detail, "does not let it limit containers by cpu") || !strings.Contains(c.Cure, "Delegate=cpu cpuset io memory pids") {
			t.Errorf("%s: got %+v", rt, c)
		}
		with := map[string]string{}
		for what, text := range texts {
			with[what] = strings.NewReplacer(`"CPUShares": false`, `"CPUShares": true`, `["memory"`, `["cpu", "memory"`).Replace(text)
		}
		t.Setenv("DOCKER_HOST", playEngine(t, rt, with))
		t.Setenv("CONTAINER_HOST", os.Getenv("DOCKER_HOST"))
		if c, _, _ = engineChecks(t.Context(), machine.Look(t.Context(), rt), rt); !c.OK || !strings.Contains(c.Detail, "with the controllers that Kind needs") {
			t.Errorf("%s, with what it needs: got %+v", rt, c)
		}
	}
}
