package lab

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

// requirement is a program and the Debian package that contains it.
type requirement struct{ program, debian string }

// toBuild are the programs that build the lab; toRun those that a machine made from it needs
// in addition.
var (
	toBuild = []requirement{
		{"apt-get", "apt"},
		{"mmdebstrap", "mmdebstrap"},
		{"unshare", "util-linux"},
		{"mount", "mount"},
		{"tar", "tar"},
	}
	toRun = []requirement{{"mkfs.btrfs", "btrfs-progs"}}
)

// InstallPrerequisites installs the Debian packages that the lab and its machines need and
// this host lacks. If it may not, the error names them.
func InstallPrerequisites(ctx context.Context, log io.Writer) error {
	return install(ctx, log, slices.Concat(toBuild, toRun))
}

func install(ctx context.Context, log io.Writer, needed []requirement) error {
	packages := missingPackages(needed, exec.LookPath, fileExists)
	if len(packages) == 0 {
		return nil
	}
	advice := "apt-get install " + strings.Join(packages, " ")
	if os.Geteuid() != 0 {
		return fmt.Errorf("installing what the lab needs: not root; run as root: %s", advice)
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("installing what the lab needs: this is not a Debian machine (%w); it needs the equivalent of: %s", err, advice)
	}
	fmt.Fprintf(log, "lab: %s\n", advice)
	for _, args := range [][]string{{"update"}, append([]string{"install", "--yes", "--no-install-recommends"}, packages...)} {
		run := func() error {
			cmd := command(ctx, "apt-get", args...)
			cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8")
			_, err := output(cmd)
			return err
		}
		if err := whenFree(ctx, log, run); err != nil {
			return fmt.Errorf("installing what the lab needs: %w; try: %s", err, advice)
		}
	}
	return nil
}

// busyLimit is how long install waits for another package manager, and busyPause the time
// between two attempts. They are variables for the tests.
var busyLimit, busyPause = 10 * time.Minute, 5 * time.Second

// locked is what apt-get prints if another process has one of its locks. apt's own option
// DPkg::Lock::Timeout waits only for dpkg's locks, and update takes another one.
var locked = regexp.MustCompile(`Could not get lock (\S+?)\.?(?: It is held by process (\d+) \(([^)]*)\))?(?:\s|$)`)

// whenFree repeats run while another package manager is at work. New machines often upgrade
// themselves in their first minutes.
func whenFree(ctx context.Context, log io.Writer, run func() error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, busyLimit, fmt.Errorf("another package manager has been at work for %s", busyLimit))
	defer cancel()
	for said := ""; ; {
		err := run()
		if err == nil {
			return nil
		}
		lock := locked.FindStringSubmatch(err.Error())
		if lock == nil {
			return err
		}
		holder := "another package manager"
		if lock[2] != "" {
			holder = fmt.Sprintf("%s (process %s)", lock[3], lock[2])
		}
		if holder != said {
			fmt.Fprintf(log, "lab: waiting up to %s for %s, which holds %s\n", busyLimit, holder, lock[1])
			said = holder
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(busyPause):
		}
	}
}

func missingPackages(needed []requirement, look func(string) (string, error), exists func(string) bool) (packages []string) {
	for _, r := range needed {
		if _, err := look(r.program); err != nil {
			packages = append(packages, r.debian)
		}
	}
	if !exists(keyring) {
		packages = append(packages, "debian-archive-keyring")
	}
	slices.Sort(packages)
	return packages
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
