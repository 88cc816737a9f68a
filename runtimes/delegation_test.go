package runtimes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
)

func TestRootlessEnginesThatAreUnfit(t *testing.T) {
	for name, c := range map[string]struct {
		of        Info
		why, cure string
	}{
		"as systemd before 252 does by itself": {Info{Rootless: true, CgroupVersion: "2", Controllers: []string{"memory", "pids"}}, "by cpu, without", "Delegate=cpu cpuset io memory pids"},
		"with no driver":                       {Info{Rootless: true, CgroupVersion: "2"}, "by cpu, memory, pids, without", "daemon-reload"},
		"on version 1":                         {Info{Rootless: true, CgroupVersion: "1"}, "control groups of version 1", "systemd.unified_cgroup_hierarchy=1"},
		"with all of them":                     {Info{Rootless: true, CgroupVersion: "2", Controllers: []string{"cpuset", "cpu", "io", "memory", "pids"}}, "", ""},
		"root's":                               {Info{CgroupVersion: "1"}, "", ""},
	} {
		why, cure := Endpoint{}.Unfit(c.of)
		if !strings.Contains(why, c.why) || !strings.Contains(cure, c.cure) || (why == "") != (c.why == "") || (cure == "") != (c.cure == "") {
			t.Errorf("%s: got %q, %q", name, why, cure)
		}
	}
}

// What systemd delegates to a user's programs may differ from what the engine reports:
// it may have changed since the engine began, and Docker reports that of the slice.
func TestUnfitBesideWhatSystemdDelegates(t *testing.T) {
	before := groups
	t.Cleanup(func() { groups = before })
	groups = t.TempDir()
	manager := filepath.Join(groups, "user.slice/user-1000.slice/user@1000.service")
	if err := os.MkdirAll(manager, 0o755); err != nil {
		t.Fatal(err)
	}
	docker := Endpoint{Runtime: trial.Docker, Address: "unix:///run/user/1000/docker.sock"}
	podman := Endpoint{Runtime: trial.Podman, Address: "unix:///run/user/1000/podman/podman.sock"}
	another := Endpoint{Runtime: trial.Docker, Address: "tcp://127.0.0.1:2375"}
	for _, c := range []struct {
		delegated, reported string
		of                  Endpoint
		cure                string // empty for an engine that is fit
	}{
		{"memory pids\n", "memory pids", docker, "Delegate=cpu"},
		{"cpuset cpu io memory pids\n", "memory pids", docker, "systemctl --user restart docker"},
		{"cpu memory pids\n", "memory pids", podman, "systemctl --user restart podman.socket"},
		{"cpu memory pids\n", "memory pids", another, "Delegate=cpu"},
		{"memory pids\n", "cpu memory pids", docker, "Delegate=cpu"},
		{"memory pids\n", "cpu memory pids", another, ""},
		{"cpu memory pids\n", "cpu memory pids", podman, ""},
	} {
		if err := os.WriteFile(filepath.Join(manager, "cgroup.controllers"), []byte(c.delegated), 0o644); err != nil {
			t.Fatal(err)
		}
		why, cure := c.of.Unfit(Info{Rootless: true, CgroupVersion: "2", Controllers: strings.Fields(c.reported)})
		if strings.Contains(why, "by cpu, without") != (c.cure != "") || !strings.Contains(cure, c.cure) {
			t.Errorf("%s, reported %q, delegated %q: got %q, %q", c.of, c.reported, c.delegated, why, cure)
		}
	}
}
