package kindcluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/exec"

	"github.com/stratbench/stratbench/experiments/spec"
)

// Import streams the docker-archive that save writes into the image store of every
// node. Images in it have their names on the engine, and get the names that pods
// use. Nothing is stored in between. What each node is sent is also written to seen.
func (c *Cluster) Import(ctx context.Context, names Names, save func(io.Writer) error, seen io.Writer) error {
	return c.stream(ctx, names, save, names.rename, "--digests", seen)
}

// ImportLacking does the same with what the nodes lack of an archive that an engine
// saved, in the form of an OCI layout. Import gives images a second name, by their
// digest, as Kind does; no pod needs it, and ImportLacking leaves it out.
func (c *Cluster) ImportLacking(ctx context.Context, names Names, save func(io.Writer) error, seen io.Writer) error {
	l := layout{names: names, had: c.layers, came: map[string]v1.Descriptor{}}
	if err := c.stream(ctx, names, save, l.convert, "", seen); err != nil {
		return err
	}
	maps.Copy(l.came, c.layers)
	c.layers = l.came
	return nil
}

// stream imports the archive that save writes, changed, with this option of ctr's.
func (c *Cluster) stream(ctx context.Context, names Names, save func(io.Writer) error, change func(io.Reader, io.Writer) error, option string, seen io.Writer) error {
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
			// Each further command in a node takes a tenth of a second of the load.
			cmd := node.CommandContext(ctx, "sh", "-c",
				`ctr --namespace=k8s.io images import --all-platforms `+option+` --snapshotter="$0" - >&2 && exec ctr --namespace=k8s.io images ls -q`,
				c.snapshotter)
			out, err := exec.Output(cmd.SetStdin(r))
			if err != nil {
				return fmt.Errorf("importing images into the node %s: %w", node, explain(err))
			}
			have := strings.Fields(string(out))
			for _, name := range names {
				if full := spec.FullName(name); !slices.Contains(have, full) {
					return fmt.Errorf("the image %s is not in the node %s after it was loaded; the node has %s",
						full, node, strings.Join(have, ", "))
				}
			}
			return nil
		})
	}
	saved := passOn(save, change, io.MultiWriter(append(inlets, seen)...))
	for _, w := range closers {
		w.Close()
	}
	imported := imports.Wait()
	// If a node stopped reading, its own error says why. If the archive broke off, what
	// the nodes say about the rest hides the cause.
	if saved == nil || imported != nil && errors.Is(saved, syscall.EPIPE) {
		return imported
	}
	return saved
}

// Pull has every node pull an image from its registry, and gives it the name that pods
// use. It calls progress whenever a node reports some.
func (c *Cluster) Pull(ctx context.Context, ref, name string, plainHTTP bool, progress func()) error {
	args := []string{"--namespace=k8s.io", "images", "pull", "--snapshotter=" + c.snapshotter}
	if plainHTTP {
		args = append(args, "--plain-http")
	}
	var pulls errgroup.Group
	for _, node := range c.Nodes {
		pulls.Go(func() error {
			output := &tail{progress: progress}
			if err := node.CommandContext(ctx, "ctr", append(slices.Clone(args), ref)...).SetStdout(output).SetStderr(output).Run(); err != nil {
				return fmt.Errorf("pulling the image %s in the node %s: %w: %s", ref, node, err, bytes.TrimSpace(output.text))
			}
			return nil
		})
	}
	if err := pulls.Wait(); err != nil {
		return err
	}
	return c.Tag(ctx, ref, []string{name})
}

// tail keeps the end of what a program prints.
type tail struct {
	text     []byte
	progress func()
}

func (t *tail) Write(b []byte) (int, error) {
	t.progress()
	t.text = append(t.text, b...)
	t.text = t.text[max(0, len(t.text)-2<<10):]
	return len(b), nil
}

// Tag gives an image further names in every node.
func (c *Cluster) Tag(ctx context.Context, name string, further []string) error {
	args := []string{"--namespace=k8s.io", "images", "tag", "--force", spec.FullName(name)}
	for _, tag := range further {
		args = append(args, spec.FullName(tag))
	}
	for _, node := range c.Nodes {
		if _, err := exec.CombinedOutputLines(node.CommandContext(ctx, "ctr", args...)); err != nil {
			return fmt.Errorf("naming the image %s in the node %s: %w", name, node, explain(err))
		}
	}
	return nil
}

var snapshotter = regexp.MustCompile(`(?m)^\s*snapshotter\s*=\s*["']([^"']+)["']`)

// findSnapshotter asks containerd which snapshotter Kubernetes uses: an image that was
// unpacked for another one would be unpacked again when a pod starts.
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
