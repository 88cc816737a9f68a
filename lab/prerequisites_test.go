package lab

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"os"
)

// impatient makes whenFree wait in milliseconds.
func impatient(t *testing.T, limit time.Duration) {
	t.Helper()
	oldLimit, oldPause := busyLimit, busyPause
	t.Cleanup(func() { busyLimit, busyPause = oldLimit, oldPause })
	busyLimit, busyPause = limit, time.Millisecond
}

var errBusy = errors.New("apt-get: exit status 100: E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 412 (unattended-upgr)")

func TestABusyPackageManagerIsWaitedFor(t *testing.T) {
	impatient(t, time.Minute)
	var log strings.Builder
	attempts := 0
	err := whenFree(t.Context(), &log, func() error {
		if attempts++; attempts < 4 {
			return errBusy
		}
		return nil
	})
	if err != nil || attempts != 4 {
		t.Errorf("%d attempts, %v", attempts, err)
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "unattended-upgr (process 412), which holds /var/lib/dpkg/lock-frontend\n") {
		t.Errorf("it prints:\n%s", got)
	}
}

func TestAPackageManagerIsNotWaitedForForEver(t *testing.T) {
	impatient(t, 20*time.Millisecond)
	err := whenFree(t.Context(), &strings.Builder{}, func() error { return errBusy })
	if !errors.Is(err, errBusy) || !strings.Contains(err.Error(), "another package manager has been at work for 20ms") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := whenFree(ctx, &strings.Builder{}, func() error { return errBusy }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestOtherFaultsOfAptAreNotWaitedFor(t *testing.T) {
	impatient(t, time.Minute)
	fault := errors.New("apt-get: exit status 100: E: Unable to locate package mmdebstrap")
	if err := whenFree(t.Context(), &strings.Builder{}, func() error { return fault }); !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
}

// whenFree recognises what the installed apt-get prints, in both cases in which it is busy.
func TestAptSaysThatItIsBusyInTheWordsWaitedFor(t *testing.T) {
	if os.Geteuid() != 0 || !fileExists("/usr/bin/apt-get") {
		t.Skip("taking apt's locks needs root on a Debian machine")
	}
	dir := t.TempDir()
	if err := stage(dir, map[string][]byte{"lists/lock": nil, "lists/partial/.keep": nil}); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(dir+"/lists/lock", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}); err != nil {
		t.Fatal(err)
	}
	cmd := command(t.Context(), "apt-get", "-o", "Dir::State::lists="+dir+"/lists", "update")
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	_, err = output(cmd)
	if err == nil || locked.FindString(err.Error()) == "" {
		t.Errorf("apt-get update with its lists locked: %v", err)
	}
}
