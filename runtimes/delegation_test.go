package runtimes

import (
	"strings"
	"testing"
)

func TestRootlessEnginesThatAreUnfit(t *testing.T) {
	for name, c := range map[string]struct {
		of        Info
		why, cure string
	}{
		"as systemd does by itself": {Info{Rootless: true, CgroupVersion: "2", Controllers: []string{"memory", "pids"}}, "by cpu, without", "Delegate=cpu cpuset io memory pids"},
		"with no driver":            {Info{Rootless: true, CgroupVersion: "2"}, "by cpu, memory, pids, without", "daemon-reload"},
		"on version 1":              {Info{Rootless: true, CgroupVersion: "1"}, "control groups of version 1", "systemd.unified_cgroup_hierarchy=1"},
		"with all of them":          {Info{Rootless: true, CgroupVersion: "2", Controllers: []string{"cpuset", "cpu", "io", "memory", "pids"}}, "", ""},
		"root's":                    {Info{CgroupVersion: "1"}, "", ""},
	} {
		why, cure := c.of.Unfit()
		if !strings.Contains(why, c.why) || !strings.Contains(cure, c.cure) || (why == "") != (c.why == "") || (cure == "") != (c.cure == "") {
			t.Errorf("%s: got %q, %q", name, why, cure)
		}
	}
}
