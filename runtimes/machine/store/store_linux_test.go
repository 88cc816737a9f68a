package store

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain lets the test program play a second process with a store.
func TestMain(m *testing.M) {
	if path := os.Getenv("STORE_TEST_HOLD"); path != "" {
		hold(path)
	}
	os.Exit(m.Run())
}

func hold(path string) {
	s, err := Open(context.Background(), path, 1<<30)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if err := s.volume.create(Live("left")); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("holding")
	bufio.NewReader(os.Stdin).ReadString('\n')
	os.Exit(0)
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() == 0 {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("this test must run as root where CI=true")
	}
	t.Skip("a store needs root")
}

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func archive(t *testing.T) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	must(t, w.WriteHeader(&tar.Header{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755, Uid: 7, Gid: 8}))
	must(t, w.WriteHeader(&tar.Header{Name: "etc/name", Mode: 0o4755, Size: 2, Uid: 4711, Gid: 12}))
	_, err := w.Write([]byte("hi"))
	must(t, err)
	must(t, w.Close())
	return &b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// volumes runs a test on both types of volume.
func volumes(t *testing.T, test func(t *testing.T, s *Store)) {
	needRoot(t)
	t.Run("btrfs", func(t *testing.T) {
		s := open(t, filepath.Join(t.TempDir(), "store"))
		if _, ok := s.volume.(*btrfs); !ok {
			t.Fatalf("the store consists of %T", s.volume)
		}
		test(t, s)
		must(t, s.Close(t.Context()))
	})
	t.Run("folder", func(t *testing.T) {
		v, err := openFolder(t.TempDir())
		must(t, err)
		s := &Store{volume: v}
		for _, d := range []string{roots, golden, live, partial} {
			must(t, os.Mkdir(s.Path(d), 0o755))
		}
		test(t, s)
		must(t, s.Close(t.Context()))
	})
}

func TestRootIsImportedWithOwnersAndModes(t *testing.T) {
	volumes(t, func(t *testing.T, s *Store) {
		must(t, s.ImportRoot(t.Context(), "k", archive(t)))
		var st unix.Stat_t
		must(t, unix.Stat(s.Path("roots/k/etc/name"), &st))
		if st.Uid != 4711 || st.Gid != 12 || st.Mode&0o7777 != 0o4755 {
			t.Errorf("etc/name has owner %d:%d and mode %o", st.Uid, st.Gid, st.Mode&0o7777)
		}
	})
}

func TestBrokenArchiveLeavesNoRoot(t *testing.T) {
	volumes(t, func(t *testing.T, s *Store) {
		if err := s.ImportRoot(t.Context(), "k", strings.NewReader("no archive")); err == nil {
			t.Fatal("no error")
		}
		if s.Has(Root("k")) {
			t.Error("the root is there")
		}
		if left, err := s.list(partial); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}

func TestCopiesDoNotTouchWhatTheyCameFrom(t *testing.T) {
	volumes(t, func(t *testing.T, s *Store) {
		must(t, s.ImportRoot(t.Context(), "k", archive(t)))
		must(t, s.Snapshot(t.Context(), Root("k"), Live("m"), false))
		must(t, os.WriteFile(s.Path("live/m/etc/name"), []byte("changed"), 0o644))
		if b, _ := os.ReadFile(s.Path("roots/k/etc/name")); string(b) != "hi" {
			t.Errorf("the root reads %q", b)
		}
		if err := s.Snapshot(t.Context(), Root("k"), Live("m"), false); !errors.Is(err, os.ErrExist) {
			t.Errorf("copying over a copy: %v", err)
		}
		must(t, s.Delete(Live("m")))
		if s.Has(Live("m")) {
			t.Error("the copy is still there")
		}
	})
}

func TestSettledStoreHasGivenItsRoomBack(t *testing.T) {
	volumes(t, func(t *testing.T, s *Store) {
		must(t, s.volume.create(Live("m")))
		must(t, os.WriteFile(s.Path("live/m/large"), make([]byte, 64<<20), 0o644))
		must(t, s.Settle(t.Context()))
		full := room(t, s)
		must(t, s.Delete(Live("m")))
		must(t, s.Settle(t.Context()))
		if _, ok := s.volume.(*btrfs); ok && room(t, s) < full+60<<20 {
			t.Errorf("room before deleting 64 MiB: %d, after: %d", full, room(t, s))
		}
	})
}

func room(t *testing.T, s *Store) int64 {
	t.Helper()
	var st unix.Statfs_t
	must(t, unix.Statfs(s.Path("."), &st))
	return int64(st.Bfree) * st.Bsize
}

func TestGoldenIsReadOnly(t *testing.T) {
	needRoot(t)
	s := open(t, filepath.Join(t.TempDir(), "store"))
	defer s.Close(t.Context())
	must(t, s.ImportRoot(t.Context(), "k", archive(t)))
	must(t, s.Snapshot(t.Context(), Root("k"), Golden("k"), true))
	if err := os.WriteFile(s.Path("golden/k/etc/name"), nil, 0o644); !errors.Is(err, unix.EROFS) {
		t.Errorf("writing to it: %v", err)
	}
}

func TestSubvolumesInsideGoToo(t *testing.T) {
	needRoot(t)
	s := open(t, filepath.Join(t.TempDir(), "store"))
	defer s.Close(t.Context())
	v := s.volume.(*btrfs)
	must(t, v.create("live/m"))
	must(t, v.create("live/m/outer"))
	must(t, v.create("live/m/outer/inner"))
	must(t, s.Delete(Live("m")))
	if s.Has(Live("m")) {
		t.Error("it is still there")
	}
}

func TestNamesCannotLeaveTheStore(t *testing.T) {
	s := &Store{volume: &folder{path: t.TempDir()}}
	for _, name := range []string{"", "live/", "live/../roots", "live/.", "other/x", "/etc", "live/a/b"} {
		if s.Delete(name) == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

func TestNothingOfAStoreIsSeenOutside(t *testing.T) {
	needRoot(t)
	path := filepath.Join(t.TempDir(), "store")
	s := open(t, path)
	mounts, err := os.ReadFile("/proc/mounts")
	must(t, err)
	device := s.volume.(*btrfs).device
	if strings.Contains(string(mounts), device) {
		t.Errorf("%s is in the mounts of the host", device)
	}
	must(t, s.Close(t.Context()))
	if d := devicesOf(t, path); len(d) > 0 {
		t.Errorf("after Close, %v still hold the store", d)
	}
}

func TestSecondProcessIsToldWhoHasTheStore(t *testing.T) {
	needRoot(t)
	path := filepath.Join(t.TempDir(), "store")
	holder := startHolder(t, path)
	_, err := Open(t.Context(), path, 1<<30)
	var used *InUseError
	if !errors.As(err, &used) || used.PID != holder.Process.Pid {
		t.Errorf("with process %d holding it: %v", holder.Process.Pid, err)
	}
}

func TestKilledHolderLeavesNothingThatASweepDoesNotFind(t *testing.T) {
	needRoot(t)
	path := filepath.Join(t.TempDir(), "store")
	holder := startHolder(t, path)
	must(t, holder.Process.Kill())
	holder.Wait()
	s := open(t, path)
	swept, err := s.Sweep()
	must(t, err)
	if len(swept) != 1 || swept[0] != "live/left" {
		t.Errorf("swept %v, want live/left", swept)
	}
	if d := devicesOf(t, path); len(d) != 1 {
		t.Errorf("devices of the store: %v, want one", d)
	}
	must(t, s.Close(t.Context()))
}

func startHolder(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "STORE_TEST_HOLD="+path)
	_, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "holding\n" {
		t.Fatalf("the second process said %q", line)
	}
	return cmd
}

func devicesOf(t *testing.T, path string) (devices []string) {
	t.Helper()
	attributes, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	must(t, err)
	for _, a := range attributes {
		if b, _ := os.ReadFile(a); strings.TrimSpace(string(b)) == path {
			devices = append(devices, a)
		}
	}
	return devices
}
