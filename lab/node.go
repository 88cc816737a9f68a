package lab

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/sync/errgroup"
)

//go:embed node
var nodeFiles embed.FS

// nodePackages are taken from bookworm, because its systemd still runs on version 1 of the
// control groups. Later ones do not.
var nodePackages = []string{
	"systemd", "systemd-sysv", "dbus", "libpam-systemd", "containerd", "runc", "containernetworking-plugins",
	"iptables", "nftables", "iproute2", "ethtool", "socat", "kmod", "mount", "conntrack", "ebtables",
	"procps", "jq", "ca-certificates", "curl", "hostname",
}

// nodeLinks link Debian's programs to where Kind's files expect them.
var nodeLinks = map[string]string{
	"usr/local/bin/containerd":              "/usr/bin/containerd",
	"usr/local/bin/ctr":                     "/usr/bin/ctr",
	"usr/local/bin/containerd-shim-runc-v2": "/usr/bin/containerd-shim-runc-v2",
	"usr/local/sbin/runc":                   "/usr/sbin/runc",
	"opt/cni/bin":                           "/usr/lib/cni",
}

// nodePlaces are the places of the embedded files in a node.
var nodePlaces = map[string]string{
	"10-ptp.conflist":      "etc/cni/net.d/10-ptp.conflist",
	"default-cni.yaml":     "kind/manifests/default-cni.yaml",
	"default-storage.yaml": "kind/manifests/default-storage.yaml",
	"init":                 "kind/bin/init",
}

func nodeKey(kubernetes string) string {
	return key(slices.Concat(
		[]string{NodeImageName, kubernetes, fmt.Sprint(nodeLinks, nodePlaces)},
		nodePackages, proxyPackages, lean, contents(nodeFiles, "node"))...)
}

// node is a node image that is being made.
type node struct {
	dir, scratch, bin string
	sandbox           string
}

func (n *node) root() string { return filepath.Join(n.scratch, "root") }

func (n *node) build(ctx context.Context, compiled <-chan struct{}) error {
	if err := os.Mkdir(n.scratch, 0o755); err != nil {
		return err
	}
	root := debianRoot{
		suite: "bookworm", variant: "minbase", packages: nodePackages,
		hooks: []string{listPackages(filepath.Join(n.dir, "packages.txt"))},
	}
	if err := root.make(ctx, n.root()); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-compiled:
	}
	for _, step := range []func(context.Context) error{n.installKind, n.installKubernetes, n.finish, n.pack} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return os.RemoveAll(n.scratch)
}

// installKind copies the files of Kind's own base image from Kind's module, and reads which
// sandbox image its containerd configuration names.
func (n *node) installKind(ctx context.Context) error {
	dir := filepath.Join(n.scratch, "kind")
	if err := writeModule("kind", dir); err != nil {
		return err
	}
	out, err := output(goCommand(ctx, dir, "mod", "download", "-json", "sigs.k8s.io/kind"))
	if err != nil {
		return fmt.Errorf("downloading Kind's module: %w; can the Go module proxy be reached?", err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &module); err != nil {
		return fmt.Errorf("reading where Kind's module is: %w", err)
	}
	files := filepath.Join(module.Dir, "images", "base", "files")
	err = filepath.WalkDir(files, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		relative, err := filepath.Rel(files, file)
		if err != nil {
			return err
		}
		return n.copyFile(file, relative, kindMode(relative))
	})
	if err != nil {
		return fmt.Errorf("installing Kind's node files: %w", err)
	}
	config := filepath.Join(n.root(), "etc/containerd/config.toml")
	data, err := os.ReadFile(config)
	if err != nil {
		return fmt.Errorf("reading Kind's containerd configuration: %w", err)
	}
	m := sandboxLine.FindSubmatch(data)
	if m == nil {
		return fmt.Errorf("reading Kind's containerd configuration: %s names no sandbox image", config)
	}
	n.sandbox = string(m[1])
	return nil
}

var sandboxLine = regexp.MustCompile(`(?m)^\s*sandbox_image\s*=\s*"([^"]+)"`)

// kindMode is the mode that the base image's Dockerfile sets: a module has no modes.
func kindMode(name string) os.FileMode {
	if strings.HasPrefix(name, "usr/local/bin/") || strings.HasPrefix(name, "kind/bin/") {
		return 0o755
	}
	return 0o644
}

func (n *node) installKubernetes(context.Context) error {
	for _, program := range []string{"kubeadm", "kubectl", "kubelet"} {
		if err := n.copyFile(filepath.Join(n.bin, program), "usr/bin/"+program, 0o755); err != nil {
			return fmt.Errorf("installing %s: %w", program, err)
		}
	}
	for name, place := range nodePlaces {
		data, err := nodeFiles.ReadFile("node/" + name)
		if err != nil {
			return err
		}
		if err := n.writeFile(place, data, kindMode(place)); err != nil {
			return err
		}
	}
	if err := n.writeFile("kind/version", []byte(kubernetesVersion), 0o644); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(n.root(), "etc/kubernetes/manifests"), 0o755); err != nil {
		return err
	}
	for place, target := range nodeLinks {
		file := filepath.Join(n.root(), place)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(target, file); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) copyFile(source, place string, mode os.FileMode) error {
	data, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	return n.writeFile(place, data, mode)
}

// writeFile sets the mode explicitly, because the process's umask must not affect the
// image.
func (n *node) writeFile(place string, data []byte, mode os.FileMode) error {
	file := filepath.Join(n.root(), place)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file, data, mode); err != nil {
		return err
	}
	return os.Chmod(file, mode)
}

// finish runs the last steps inside the root and loads the control-plane images into its
// containerd.
func (n *node) finish(ctx context.Context) error {
	out, err := output(command(ctx, filepath.Join(n.bin, "kubeadm"), "config", "images", "list", "--kubernetes-version="+kubernetesVersion))
	if err != nil {
		return fmt.Errorf("asking kubeadm which images it needs: %w", err)
	}
	// The sandbox image of Kind's containerd configuration is another pause.
	refs := append(strings.Fields(out), n.sandbox)
	images, err := controlPlane(ctx, n.scratch, n.bin, refs)
	if err != nil {
		return err
	}
	imported, err := n.importImages(ctx, images)
	if err != nil {
		return fmt.Errorf("finishing the node's root file system: %w", err)
	}
	for _, ref := range refs {
		if !slices.Contains(strings.Fields(imported), ref) {
			return fmt.Errorf("importing the control-plane images: containerd does not list %s but %q", ref, imported)
		}
	}
	return nil
}

func (n *node) importImages(ctx context.Context, images map[name.Reference]v1.Image) (string, error) {
	script, err := nodeFiles.ReadFile("node/finish.sh")
	if err != nil {
		return "", err
	}
	archive, writer := io.Pipe()
	cmd := isolated(ctx, "sh", "-c", `mount -t proc proc "$1/proc" && exec chroot "$1" /bin/sh -c "$2"`, "sh", n.root(), string(script))
	cmd.Env = []string{searchPath, "LC_ALL=C.UTF-8"}
	cmd.Stdin = archive
	var g errgroup.Group
	g.Go(func() error {
		err := tarball.MultiRefWrite(images, writer)
		writer.CloseWithError(err)
		return err
	})
	imported, err := output(cmd)
	archive.CloseWithError(io.ErrClosedPipe)
	if written := g.Wait(); err == nil {
		err = written
	}
	return imported, err
}

// pack makes the root the only layer of the node image.
func (n *node) pack(ctx context.Context) error {
	file := filepath.Join(n.scratch, "root.tar")
	cmd := command(ctx, "tar", "--create", "--file="+file, "--directory="+n.root(), "--numeric-owner",
		"--xattrs", "--xattrs-include=security.capability", "--sort=name", "--exclude=./dev/*", ".")
	if _, err := output(cmd); err != nil {
		return fmt.Errorf("packing the node's root file system: %w", err)
	}
	l, err := newLayer(file)
	if err != nil {
		return err
	}
	return writeImage(n.dir, NodeImageName, v1.Config{
		Env:        []string{searchPath, "container=docker"},
		Entrypoint: []string{"/usr/local/bin/entrypoint", "/kind/bin/init"},
		// systemd shuts down on this signal. On SIGTERM it executes itself again.
		StopSignal: "SIGRTMIN+3",
	}, l)
}
