package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
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

// The newest run that compared the user's version with others is believed.
func TestDoctorNamesAFasterVersion(t *testing.T) {
	root := t.TempDir()
	record := func(run string, newer trial.Seconds) {
		j, err := results.OpenJournal(filepath.Join(root, run))
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		err = errors.Join(j.WriteOnce(results.PlanFile, results.Plan{}), j.WriteOnce(results.EnvironmentFile, results.Environment{RunID: run}))
		for block := range 7 {
			for engine, version := range map[string]string{"trixie": "5.4.2", "forky": "5.8.6"} {
				setup := trial.Seconds(60e9 + 1e8*block)
				if engine == "forky" {
					setup = newer + trial.Seconds(1e8*block)
				}
				r := results.Record{Kind: results.KindTrial, Setup: &setup, Verdict: trial.Verdict{Outcome: trial.OK},
					Trial: trial.Trial{ID: fmt.Sprint(engine, block), Block: block + 1, Cell: trial.Cell{{Factor: "runtime", Level: "podman"}, {Factor: "engine", Level: engine}}}}
				r.Machine.Runtime, r.Machine.EngineVersion = "podman", version
				err = errors.Join(err, j.Append(r))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	ask := func(version string) string {
		return strings.Join(fasterVersions(root, map[trial.Runtime]string{trial.Podman: version, trial.Docker: "26.1.5"}), "\n")
	}
	record("20260101-000000-old", 80e9)
	if got := ask("5.4.2"); got != "" {
		t.Errorf("the faster one is told to change: %s", got)
	}
	record("20260102-000000-new", 40e9)
	if got := ask("5.4.2"); !strings.HasPrefix(got, "Before you choose a strategy, change podman: Podman 5.8.6 takes −33 % against 5.4.2") || !strings.HasSuffix(got, "Run 20260102-000000-new.") {
		t.Errorf("got %q", got)
	}
	for _, version := range []string{"5.8.6", "5.6.0"} {
		if got := ask(version); got != "" {
			t.Errorf("%s: got %q", version, got)
		}
	}
}
