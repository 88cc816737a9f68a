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
	// hooks are passed to mmdebstrap as customize hooks.
	hooks []string
}

// lean keeps out of every root what no container reads.
var lean = []string{
	"path-exclude=/usr/share/man/*",
	"path-exclude=/usr/share/info/*",
	"path-exclude=/usr/share/doc/*",
	"path-exclude=/usr/share/locale/*",
	"path-exclude=/usr/share/lintian/*",
}

// make writes the root to target: a tar if its name ends so, else a folder.
func (d debianRoot) make(ctx context.Context, target string) error {
	sources, err := debianSources(ctx, d.suite)
	if err != nil {
		return err
	}
	settings, err := aptSettings(ctx)
	if err != nil {
		return err
	}
	cmd := isolated(ctx, "mmdebstrap", d.arguments(target, sources, settings)...)
	// A build that was killed leaves what it unpacked where the next one clears
	// up. Debian's programs find each other and no version manager's stand-ins,
	// which are started once for each package.
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TMPDIR="+filepath.Dir(target), "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	if _, err := output(cmd); err != nil {
		return fmt.Errorf("making a root file system of Debian %s: %w", d.suite, err)
	}
	return nil
}

// format is said outright because mmdebstrap guesses it from the name.
func (d debianRoot) format(target string) string {
	if strings.Contains(filepath.Base(target), ".tar") {
		return "tar"
	}
	return "directory"
}

func (d debianRoot) arguments(target string, sources, settings []string) []string {
	args := []string{"--mode=root", "--format=" + d.format(target), "--variant=" + d.variant, "--include=" + strings.Join(d.packages, ",")}
	for _, s := range settings {
		args = append(args, "--aptopt="+s)
	}
	for _, option := range lean {
		args = append(args, "--dpkgopt="+option)
	}
	for _, hook := range d.hooks {
		args = append(args, "--customize-hook="+hook)
	}
	// What the host needs to reach its mirror is no business of the root.
	args = append(args, `--customize-hook=rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap" "$1/etc/apt/sources.list"`)
	return append(append(args, d.suite, target), sources...)
}

// layer makes the root as the lowest layer of an image.
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

// strip copies a root's tar without what is not for images.
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
	if err := copyTar(tar.NewWriter(out), tar.NewReader(in), notForImages); err != nil {
		return err
	}
	return os.Remove(source)
}

// notForImages are devices, which an engine gives a container and which one
// without CAP_MKNOD cannot unpack, and what this machine needs to reach its
// mirror, which a variant without maintainer scripts leaves behind.
func notForImages(name string) bool {
	for _, dir := range []string{"./dev/", "./etc/apt/", "./var/cache/", "./var/lib/apt/"} {
		if strings.HasPrefix(name, dir) && name != dir {
			return true
		}
	}
	return false
}

func copyTar(out *tar.Writer, in *tar.Reader, drop func(name string) bool) error {
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return out.Close()
		}
		if err != nil {
			return err
		}
		if drop(h.Name) {
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

// listPackages is a hook that saves the versions of what was installed.
func listPackages(path string) string {
	return fmt.Sprintf(`dpkg-query --admindir="$1/var/lib/dpkg" --show --showformat='${Package} ${Version}\n' >'%s'`, path)
}

// debianSources turns the machine's own apt sources into those of a suite, so
// that the mirror this machine can reach is the one that is used.
func debianSources(ctx context.Context, suite string) ([]string, error) {
	format := "$(ORIGIN)|$(CREATED_BY)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
	targets, err := output(command(ctx, "apt-get", "indextargets", "--format", format))
	if err != nil {
		return nil, fmt.Errorf("reading this machine's apt sources: %w", err)
	}
	sources := sourcesFrom(targets, suite)
	if len(sources) == 0 {
		return nil, fmt.Errorf("no Debian mirror among this machine's apt sources; add one and run apt-get update")
	}
	return sources, nil
}

// sourcesFrom reads lines of origin|kind|address|release|component.
func sourcesFrom(targets, suite string) []string {
	var sources []string
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

// aptSettings are those of the machine that decide whether and how its mirror
// is reached; mmdebstrap itself reads none of the machine's settings.
func aptSettings(ctx context.Context) ([]string, error) {
	dump, err := output(command(ctx, "apt-config", "dump", "--no-empty", "Acquire"))
	if err != nil {
		return nil, fmt.Errorf("reading this machine's apt settings: %w", err)
	}
	return settingsFrom(dump), nil
}

func settingsFrom(dump string) []string {
	var settings []string
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

// stage writes embedded files below dir so that a hook can copy them in.
func stage(dir string, files map[string][]byte) error {
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("staging %s: %w", name, err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return fmt.Errorf("staging %s: %w", name, err)
		}
	}
	return nil
}
