package probe

import (
	"os"
	"testing"

	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

const id = "3f2a9c0d4b5e6f708192a3b4c5d6e7f80112233445566778899aabbccddeeff0"

func TestWorking(t *testing.T) {
	all := []isolated.Process{
		{PID: 1, Name: "podman", Group: ""},
		{PID: 2, Name: "compile", State: "R", Group: "libpod_parent/libpod-" + id[:40] + id[24:]},
		{PID: 3, Name: "etcd", Group: "libpod_parent/libpod-" + id + "/kubelet/kubepods/pod1/x"},
		{PID: 4, Name: "conmon", Group: "libpod_parent/conmon"},
		{PID: 5, Name: "make", State: "S", Group: "buildah-buildah1234567"},
		{PID: 6, Name: "cc1", State: "D", Group: "docker/buildkit/h3dxv0c2sdhcg7fxn2k1r9p4q"},
		{PID: 7, Name: "kubelet", Group: "docker/" + id},
	}
	got := Working(all, []Node{{ID: id}})
	want := []string{"compile (process 2, state R)", "make (process 5, state S)", "cc1 (process 6, state D)"}
	if len(got) != len(want) {
		t.Fatalf("Working = %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("Working[%d] = %q, want %q", i, got[i], want[i])
		}
	}
}

func TestReadProcess(t *testing.T) {
	p, err := ReadProcess(os.Getpid())
	if err != nil || p.PPID != os.Getppid() || p.Comm == "" || p.State == "" || Stopped(p) {
		t.Errorf("this process is %+v, %v", p, err)
	}
	if _, err := ReadProcess(1 << 30); !os.IsNotExist(err) {
		t.Errorf("a process that is not gave %v", err)
	}
}
