package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// requirement is a program and the Debian package that has it.
type requirement struct{ program, debian string }

// toBuild is what building the lab runs; toRun is what a machine made of it
// needs on top.
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

// InstallPrerequisites brings the Debian packages that the lab and its
// machines need and this machine lacks. Where it may not install them it says
// which they are.
func InstallPrerequisites(ctx context.Context, log io.Writer) error {
	packages := missingPackages(slices.Concat(toBuild, toRun), exec.LookPath, fileExists)
	if len(packages) == 0 {
		return nil
	}
	advice := "apt-get install " + strings.Join(packages, " ")
	if os.Geteuid() != 0 {
		return fmt.Errorf("installing what the lab needs: not root; run as root: %s", advice)
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("installing what the lab needs: this is no Debian machine (%w); it needs the equivalent of: %s", err, advice)
	}
	fmt.Fprintf(log, "lab: %s\n", advice)
	for _, args := range [][]string{{"update"}, append([]string{"install", "--yes", "--no-install-recommends"}, packages...)} {
		cmd := command(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if _, err := output(cmd); err != nil {
			return fmt.Errorf("installing what the lab needs: %w; try: %s", err, advice)
		}
	}
	return nil
}

func missingPackages(needed []requirement, look func(string) (string, error), exists func(string) bool) []string {
	var packages []string
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

// checkMachine is for the moment before minutes of work.
func checkMachine() error {
	if os.Geteuid() != 0 {
		return errors.New("building the lab: making root file systems needs root; run as root")
	}
	if packages := missingPackages(toBuild, exec.LookPath, fileExists); len(packages) > 0 {
		return fmt.Errorf("building the lab: not everything is installed; run: apt-get install %s", strings.Join(packages, " "))
	}
	return nil
}
