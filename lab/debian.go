package lab

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// debianRoot is a root file system made of Debian packages.
type debianRoot struct {
	suite    string
	variant  string
	packages []string
	// hooks are mmdebstrap's customize hooks.
	hooks []string
}

// lean excludes from every root what no container reads.
var lean = []string{
	"path-exclude=/usr/share/man/*",
	"path-exclude=/usr/share/info/*",
	"path-exclude=/usr/share/doc/*",
	"path-exclude=/usr/share/locale/*",
	"path-exclude=/usr/share/lintian/*",
}

// make writes the root to target: a tar if the name contains .tar, else a folder.
func (d debianRoot) make(ctx context.Context, target string) error {
	sources, err := debianSources(ctx, d.suite)
	if err != nil {
		return err
	}
	// mmdebstrap itself reads none of this host's settings.
	dump, err := output(command(ctx, "apt-config", "dump", "--no-empty", "Acquire"))
	if err != nil {
		return fmt.Errorf("reading this host's apt settings: %w", err)
	}
	cmd := isolated(ctx, "mmdebstrap", d.arguments(target, sources, settingsFrom(dump))...)
	// TMPDIR is where the next build cleans up if this one is killed. With this PATH,
	// Debian's programs find each other and not a version manager's replacements, which
	// would be started once for each package.
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TMPDIR="+filepath.Dir(target), "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	if _, err := output(cmd); err != nil {
		return fmt.Errorf("making a root file system of Debian %s: %w", d.suite, err)
	}
	return nil
}

func (d debianRoot) arguments(target string, sources, settings []string) []string {
	format := "directory" // mmdebstrap would guess it from the name
	if strings.Contains(filepath.Base(target), ".tar") {
		format = "tar"
	}
	args := []string{"--mode=root", "--format=" + format, "--variant=" + d.variant, "--include=" + strings.Join(d.packages, ",")}
	for _, s := range settings {
		args = append(args, "--aptopt="+s)
	}
	for _, option := range lean {
		args = append(args, "--dpkgopt="+option)
	}
	for _, hook := range d.hooks {
		args = append(args, "--customize-hook="+hook)
	}
	// The root must not contain what this host needs to reach its mirror.
	args = append(args, `--customize-hook=rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap" "$1/etc/apt/sources.list"`)
	return append(append(args, d.suite, target), sources...)
}

// layer makes the root and returns it as the lowest layer of an image.
func (d debianRoot) layer(ctx context.Context, file string) (*layer, error) {
	whole := file + ".whole"
	if err := d.make(ctx, whole); err != nil {
		return nil, err
	}
	if err := strip(file, whole); err != nil {
		return nil, fmt.Errorf("making a layer of %s: %w", whole, err)
	}
	return newLayer(file)
}

// strip copies a root's tar without what is not for images, and removes the original.
func strip(target, source string) error {
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(target)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := copyTar(tar.NewWriter(out), tar.NewReader(in)); err != nil {
		return err
	}
	return os.Remove(source)
}

// notForImages reports whether a file does not belong in an image. Devices do not: an engine
// gives them to a container, and cannot unpack them without CAP_MKNOD. Neither does what this
// machine needs to reach its mirror, which remains in a variant without maintainer scripts.
func notForImages(name string) bool {
	for _, dir := range []string{"./dev/", "./etc/apt/", "./var/cache/", "./var/lib/apt/"} {
		if strings.HasPrefix(name, dir) && name != dir {
			return true
		}
	}
	return false
}

func copyTar(out *tar.Writer, in *tar.Reader) error {
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return out.Close()
		}
		if err != nil {
			return err
		}
		if notForImages(h.Name) {
			continue
		}
		if err := out.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
	}
}

// listPackages is a hook that writes the versions of the installed packages to a file.
func listPackages(path string) string {
	return fmt.Sprintf(`dpkg-query --admindir="$1/var/lib/dpkg" --show --showformat='${Package} ${Version}\n' >'%s'`, path)
}

// debianSources converts this host's apt sources to those of a suite, so that the mirror
// that this host can reach is used.
func debianSources(ctx context.Context, suite string) ([]string, error) {
	format := "$(ORIGIN)|$(CREATED_BY)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
	targets, err := output(command(ctx, "apt-get", "indextargets", "--format", format))
	if err != nil {
		return nil, fmt.Errorf("reading this host's apt sources: %w", err)
	}
	sources := sourcesFrom(targets, suite)
	if len(sources) == 0 {
		return nil, fmt.Errorf("no Debian mirror among this host's apt sources; add one and run apt-get update")
	}
	return sources, nil
}

// sourcesFrom parses lines of origin|type|address|release|component.
func sourcesFrom(targets, suite string) (sources []string) {
	for line := range strings.Lines(targets) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) != 5 || f[0] != "Debian" || f[1] != "Packages" || f[4] != "main" {
			continue
		}
		_, pocket, _ := strings.Cut(f[3], "-")
		release := suite
		if pocket != "" {
			release += "-" + pocket
		}
		if pocket == "" || pocket == "updates" || pocket == "security" {
			sources = append(sources, fmt.Sprintf("deb [signed-by=%s] %s %s main", keyring, f[2], release))
		}
	}
	slices.Sort(sources)
	return slices.Compact(sources)
}

// settingsFrom picks apt's settings that decide whether and how its mirror is reached.
func settingsFrom(dump string) (settings []string) {
	for line := range strings.Lines(dump) {
		name, _, _ := strings.Cut(line, " ")
		switch last := name[strings.LastIndex(name, ":")+1:]; {
		case strings.Contains(name, "roxy"), strings.HasPrefix(last, "Ca"), last == "Retries",
			name == "Acquire::Check-Valid-Until", name == "Acquire::Check-Date":
			settings = append(settings, strings.TrimSpace(line))
		}
	}
	return settings
}

// stage writes files below dir.
func stage(dir string, files map[string][]byte) error {
	for name, data := range files {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, data, 0o644)
		}
		if err != nil {
			return fmt.Errorf("staging %s: %w", name, err)
		}
	}
	return nil
}
