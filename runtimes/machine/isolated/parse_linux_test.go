package isolated

import (
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/stratbench/stratbench/internal/trial"
)

// The lines are from Linux 6.18 and 5.15.
func TestParseKill(t *testing.T) {
	const line = "6,1103,2831907,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=4031,mems_allowed=0," +
		"oom_memcg=/stratbench/1-2-3,task_memcg=/stratbench/1-2-3/docker/4031,task=a,b,pid=27724,uid=0\n SUBSYSTEM=x\n"
	got, ok := parseKill(line, "/stratbench/1-2-3")
	if want := (OOMKill{PID: 27724, Name: "a,b", Group: "docker/4031"}); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, ok, want)
	}
	for _, other := range []string{"/stratbench/1-2-30", "/stratbench/1-2", "/stratbench/1-2-4"} {
		if _, ok := parseKill(line, other); ok {
			t.Errorf("it is taken for one of %s", other)
		}
	}
	// In a container, the kernel's path has a prefix that the machine's does not have.
	for _, outer := range []string{"/docker/7f", "/system.slice/docker-7f.scope", "/stratbench/9-9-9/libpod_parent/libpod-7f", "/stratbench/1-2-30"} {
		inside := strings.Replace(line, "task_memcg=", "task_memcg="+outer, 1)
		if got, ok := parseKill(inside, "/stratbench/1-2-3"); !ok || got.Group != "docker/4031" {
			t.Errorf("in a container %s: got %+v, %v", outer, got, ok)
		}
	}
}

func TestMemoryGroup(t *testing.T) {
	unified := func(path string) procfs.Cgroup { return procfs.Cgroup{Path: path} }
	memory := func(path string) procfs.Cgroup {
		return procfs.Cgroup{HierarchyID: 4, Controllers: []string{"memory"}, Path: path}
	}
	systemd := procfs.Cgroup{HierarchyID: 1, Controllers: []string{"name=systemd"}, Path: "/"}
	for want, groups := range map[string][]procfs.Cgroup{
		"docker/4031":   {unified("/stratbench/1-2-3/docker/4031")},
		"init":          {memory("/stratbench/1-2-3/init"), systemd, unified("/stratbench/1-2-3/other")},
		"libpod_parent": {memory("/docker/7f/stratbench/1-2-3/libpod_parent")},
		"":              {unified("/stratbench/1-2-3")},
	} {
		if got := memoryGroup(groups, "/stratbench/1-2-3"); got != want {
			t.Errorf("%v: %q, want %q", groups, got, want)
		}
	}
	if got := memoryGroup([]procfs.Cgroup{unified("/stratbench/1-2-30/init")}, "/stratbench/1-2-3"); got != "" {
		t.Errorf("another machine's group is taken for this one's: %q", got)
	}
}

func FuzzParseKill(f *testing.F) {
	f.Add("6,1,2,-;oom-kill:constraint=C,task_memcg=/g/x,task=go,pid=1,uid=0")
	f.Add("oom-kill:task_memcg=/g")
	f.Add("oom-kill:task_memcg=/g,task=,pid=")
	f.Fuzz(func(t *testing.T, record string) {
		k, ok := parseKill(record, "/g")
		if ok && !strings.Contains(record, ",task="+k.Name+",pid=") {
			t.Errorf("%q is not the name in %q", k.Name, record)
		}
	})
}

func TestLinksDoNotOverlap(t *testing.T) {
	first, second, last := newLink(0, 1400), newLink(1, 1400), newLink(links-1, 1400)
	if first.host.String() != "198.18.0.1" || first.machine.String() != "198.18.0.2" || second.host.String() != "198.18.0.5" {
		t.Errorf("the first links are %v and %v", first, second)
	}
	if !bench.Contains(last.machine) || last.machine != netip.MustParseAddr("198.19.255.254") {
		t.Errorf("the last link is %v", last)
	}
}

func TestOrphanedIsOnlyWhatADeadRunMade(t *testing.T) {
	id, err := newID()
	if err != nil {
		t.Skip(err) // no /proc
	}
	for name, want := range map[string]bool{
		id: false, "1-999999999999-1": true, "999999999-1-1": true,
		"mine": false, "a-b-c": false, "1-2": false, "": false,
	} {
		if orphaned(name) != want {
			t.Errorf("%q (this process is %d): %v", name, os.Getpid(), !want)
		}
	}
}

func TestEveryRuntimeHasAnEngine(t *testing.T) {
	for _, r := range trial.Runtimes() {
		e, err := engineFor(r, newLink(0, 1400))
		if err != nil || e.socket == "" || len(e.argv) == 0 {
			t.Errorf("%s: %+v, %v", r, e, err)
		}
	}
}
