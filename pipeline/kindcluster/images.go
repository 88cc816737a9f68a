package kindcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/exec"
)

// Import streams what save writes, a docker-archive with the images under the
// names by which the engine knows them, into the image store of every node,
// where they get the names that pods use. Nothing is kept in between.
func (c *Cluster) Import(ctx context.Context, names Names, save func(io.Writer) error) error {
	var imports errgroup.Group
	var inlets []io.Writer
	var closers []io.Closer
	for _, node := range c.Nodes {
		r, w, err := os.Pipe()
		if err != nil {
			return fmt.Errorf("opening a pipe into the node %s: %w", node, err)
		}
		inlets, closers = append(inlets, w), append(closers, w)
		imports.Go(func() error {
			defer r.Close()
			return c.importInto(ctx, node, names, r)
		})
	}
	saved := names.saveAs(save, io.MultiWriter(inlets...))
	for _, w := range closers {
		w.Close()
	}
	imported := imports.Wait()
	if imported != nil && errors.Is(saved, syscall.EPIPE) {
		saved = nil // the node stopped reading; why is in its own error
	}
	return errors.Join(saved, imported)
}

// importInto lists the node's images in the command that imports them: each
// further command in a node costs the load a tenth of a second.
func (c *Cluster) importInto(ctx context.Context, node nodes.Node, names Names, archive io.Reader) error {
	cmd := node.CommandContext(ctx, "sh", "-c",
		`ctr --namespace=k8s.io images import --all-platforms --digests --snapshotter="$0" - >&2 && exec ctr --namespace=k8s.io images ls -q`,
		c.snapshotter)
	out, err := exec.Output(cmd.SetStdin(archive))
	if err != nil {
		return fmt.Errorf("importing images into the node %s: %w", node, explain(err))
	}
	have := strings.Fields(string(out))
	for _, name := range names {
		if full := fullName(name); !slices.Contains(have, full) {
			return fmt.Errorf("the image %s is not in the node %s after it was loaded; the node has %s",
				full, node, strings.Join(have, ", "))
		}
	}
	return nil
}

// Pull has every node pull an image from its registry, and gives it the name that
// pods use. Progress is called as often as a node says that it goes on.
func (c *Cluster) Pull(ctx context.Context, ref, name string, plainHTTP bool, progress func()) error {
	args := []string{"--namespace=k8s.io", "images", "pull", "--snapshotter=" + c.snapshotter}
	if plainHTTP {
		args = append(args, "--plain-http")
	}
	var pulls errgroup.Group
	for _, node := range c.Nodes {
		pulls.Go(func() error {
			said := &lastSaid{progress: progress}
			if err := node.CommandContext(ctx, "ctr", append(slices.Clone(args), ref)...).SetStdout(said).SetStderr(said).Run(); err != nil {
				return fmt.Errorf("pulling the image %s in the node %s: %w: %s", ref, node, err, said)
			}
			return nil
		})
	}
	if err := pulls.Wait(); err != nil {
		return err
	}
	return c.Tag(ctx, ref, []string{name})
}

// lastSaid keeps the end of what a program prints.
type lastSaid struct {
	text     []byte
	progress func()
}

func (l *lastSaid) Write(b []byte) (int, error) {
	l.progress()
	l.text = append(l.text, b...)
	l.text = l.text[max(0, len(l.text)-2<<10):]
	return len(b), nil
}

func (l *lastSaid) String() string { return strings.TrimSpace(string(l.text)) }

// Tag gives an image that is in every node further names there.
func (c *Cluster) Tag(ctx context.Context, name string, further []string) error {
	args := []string{"--namespace=k8s.io", "images", "tag", "--force", fullName(name)}
	for _, tag := range further {
		args = append(args, fullName(tag))
	}
	for _, node := range c.Nodes {
		if _, err := exec.CombinedOutputLines(node.CommandContext(ctx, "ctr", args...)); err != nil {
			return fmt.Errorf("naming the image %s in the node %s: %w", name, node, explain(err))
		}
	}
	return nil
}

var snapshotter = regexp.MustCompile(`(?m)^\s*snapshotter\s*=\s*["']([^"']+)["']`)

// findSnapshotter asks containerd which snapshotter Kubernetes uses: an image
// unpacked for another would be unpacked again when a pod starts.
func findSnapshotter(ctx context.Context, node nodes.Node) (string, error) {
	out, err := exec.Output(node.CommandContext(ctx, "containerd", "config", "dump"))
	if err != nil {
		return "", fmt.Errorf("asking the node %s for its snapshotter: %w", node, explain(err))
	}
	match := snapshotter.FindSubmatch(out)
	if match == nil {
		return "overlayfs", nil // containerd's default
	}
	return string(match[1]), nil
}

// fullName spells a reference out as Kubernetes does.
func fullName(ref string) string {
	first, _, found := strings.Cut(ref, "/")
	switch {
	case !found:
		ref = "docker.io/library/" + ref
	case first != "localhost" && !strings.ContainsAny(first, ".:"):
		ref = "docker.io/" + ref
	}
	if strings.LastIndexByte(ref, ':') <= strings.LastIndexByte(ref, '/') && !strings.Contains(ref, "@") {
		ref += ":latest"
	}
	return ref
}
