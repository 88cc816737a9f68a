package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

func TestAHostMayBeNamed(t *testing.T) {
	own := ID()
	t.Setenv(NameVariable, "runners of 4 cores")
	named := ID()
	if own == "" || named == own || len(named) != len(own) {
		t.Errorf("host %q, named %q", own, named)
	}
	if again := ID(); again != named {
		t.Errorf("named again %q, not %q", again, named)
	}
	t.Setenv(NameVariable, "others")
	if ID() == named {
		t.Error("two names have the same id")
	}
}

func TestLook(t *testing.T) {
	got, err := look("testdata/proc")
	want := Activity{
		Load1:           1.25,
		MemoryAvailable: 5000 << 10, MemoryUsed: 3000 << 10, MemoryAnon: 2000 << 10,
		Pressure: trial.Pressure{Known: true, CPUSome: 1.5, MemorySome: 1.5, MemoryFull: 0.5, IOSome: 1.5, IOFull: 0.5,
			MemorySomeTotal: trial.Seconds(time.Microsecond), MemoryFullTotal: trial.Seconds(time.Microsecond)},
		CPU: trial.Seconds(111 * time.Second), Busy: trial.Seconds(15300 * time.Millisecond), Steal: trial.Seconds(700 * time.Millisecond),
		Read: 2000 << 10, Written: 3000 << 10, OOMKills: 4,
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

// What cannot be read is named, and the rest is there all the same.
func TestLookWhereALittleIsMissing(t *testing.T) {
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("testdata/proc")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"vmstat", "pressure/io"} {
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := look(folder)
	if !errors.Is(err, os.ErrNotExist) || got.Load1 != 1.25 || got.Pressure.Known {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := look(filepath.Join(folder, "none")); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("without /proc: %v", err)
	}
}

func TestThisHost(t *testing.T) {
	if _, err := os.Stat("/proc/vmstat"); err != nil {
		t.Skip("no /proc/vmstat on this system")
	}
	first, err := Look()
	if err != nil {
		t.Fatal(err)
	}
	second, err := Look()
	if err != nil || first.CPU <= 0 || second.CPU < first.CPU || first.Steal < 0 || first.Busy+first.Steal > first.CPU {
		t.Errorf("processor time %v, of which %v busy and %v stolen, then %v (%v)", first.CPU, first.Busy, first.Steal, second.CPU, err)
	}
	if Kernel() == "" || Memory() == 0 || first.MemoryUsed > Memory() {
		t.Errorf("kernel %q, memory %v of %v", Kernel(), first.MemoryUsed, Memory())
	}
	if began, err := Began(os.Getpid()); err != nil || began == "0" || !Alive(os.Getpid()) || Alive(1<<30) {
		t.Errorf("this process began at %q, %v", began, err)
	}
	if booted := Booted(); booted.IsZero() || booted.After(time.Now()) {
		t.Errorf("this host was started at %v", booted)
	}
}

func TestRoom(t *testing.T) {
	dir := t.TempDir()
	free, total, err := Room(dir)
	if err != nil || free <= 0 || total < free {
		t.Errorf("%v of %v free, %v", free, total, err)
	}
	if _, _, err := Room(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("below a folder that is not there: %v", err)
	}
	if free, err := RoomFor(filepath.Join(dir, "none", "below")); err != nil || free <= 0 {
		t.Errorf("for a folder that is still to be made: %v free, %v", free, err)
	}
	if _, err := RoomFor(""); err == nil {
		t.Error("no folder has room")
	}
}

func TestLocks(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "lock")} {
		synctest.Test(t, func(t *testing.T) {
			first, err := TryLock(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := TryLock(path); !errors.Is(err, ErrLocked) {
				t.Errorf("taken twice: %v", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := Lock(ctx, path); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrLocked) {
				t.Errorf("waited for without success: %v", err)
			}
			time.AfterFunc(time.Minute, func() { first.Close() })
			began := time.Now()
			second, err := Lock(t.Context(), path)
			if err != nil || time.Since(began) < time.Minute {
				t.Fatalf("after %v: %v", time.Since(began), err)
			}
			if err := second.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if _, err := TryLock(filepath.Join(dir, "none", "lock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
}
