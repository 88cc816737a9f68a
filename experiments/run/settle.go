package run

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes"
)

// settlement is how a debt was settled.
type settlement struct {
	// Found is false when nothing of the trial was on the engine.
	Found bool `json:"found"`
	// Left says what stays because it cannot be told from the user's.
	Left []string `json:"left"`
	// New are names of images that came while the trial ran, and that it did
	// not give: what it pulled, or what the user made.
	New []string `json:"new"`
}

// settle takes away what a trial made on an engine. Whatever was there before
// it stays, and so does what has got a name of the user's since. Nothing is
// removed by its ID, because an engine then takes its names as well.
func (d debt) settle(ctx context.Context, cfg pipeline.Config, engine runtimes.Engine) (s settlement, err error) {
	before, err := engine.Contents(ctx)
	if err != nil {
		return s, err
	}
	s.Found = d.in(before)
	errs := []error{d.removeClusters(ctx, cfg, before), engine.RemoveNetwork(ctx, d.Cluster)}
	held := slices.DeleteFunc(slices.Clone(d.Names), func(name string) bool { return d.removeName(ctx, engine, name) == nil })
	records, err := engine.Forget(ctx, d.Builds, d.HadCache)
	if len(records) > 0 {
		s.Left = append(s.Left, fmt.Sprintf("%d records of the build cache, or containers of builds: other builds ran beside those of %s, or use them", len(records), d.Trial))
	}
	for _, name := range held { // by a build that was broken off
		errs = append(errs, d.removeName(ctx, engine, name))
	}
	errs = append(errs, d.removeSteps(ctx, engine))
	after, lost := engine.Contents(ctx)
	for name := range clustersIn(after) {
		if len(d.Names) == 0 && !slices.Contains(d.HadClusters, name) {
			s.Left = append(s.Left, fmt.Sprintf("the Kind cluster %s, which came while %s ran: if its set-up command makes it, have it use the name in KIND_CLUSTER_NAME and the network in KIND_EXPERIMENTAL_%s_NETWORK, or delete it under setup.cleanup",
				name, d.Trial, strings.ToUpper(string(d.Runtime))))
		}
	}
	nameless := 0
	for _, i := range after.Images {
		if !slices.Contains(d.HadImages, i.ID) {
			s.New = append(s.New, i.Names...)
			if len(i.Names) == 0 {
				nameless++
			}
		}
	}
	if nameless > 0 {
		s.Left = append(s.Left, fmt.Sprintf("images without a name that came while %s ran: %d; a build that is broken off leaves such, and so do builds of yours", d.Trial, nameless))
	}
	return s, errors.Join(append(errs, err, lost)...)
}

// in says whether anything of the debt is among the contents.
func (d debt) in(c runtimes.Contents) bool {
	if lockOf(c).Mark == d.Mark || slices.ContainsFunc(c.Networks, func(o runtimes.Object) bool { return o.Name == d.Cluster }) || len(d.clusters(c)) > 0 {
		return true
	}
	return slices.ContainsFunc(c.Images, func(i runtimes.Image) bool {
		return d.made(i) || slices.ContainsFunc(i.Names, func(n string) bool { return slices.Contains(d.Names, n) })
	})
}

// clustersIn are the Kind clusters on an engine, with their nodes.
func clustersIn(c runtimes.Contents) map[string][]runtimes.Object {
	clusters := map[string][]runtimes.Object{}
	for _, o := range c.Containers {
		if name := o.Labels[clusterLabel]; name != "" {
			clusters[name] = append(clusters[name], o)
		}
	}
	return clusters
}

// clusters are those of the trial: by their name, which is the trial's or
// begins with it, or by the trial's own network, which Kind puts every cluster
// into that a set-up command of the trial's makes.
func (d debt) clusters(c runtimes.Contents) (names []string) {
	for name, nodes := range clustersIn(c) {
		if name == d.Cluster || strings.HasPrefix(name, d.Cluster+"-") || slices.ContainsFunc(nodes, d.connected) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// connected says whether a container is in the trial's own network.
func (d debt) connected(o runtimes.Object) bool {
	return d.Cluster != "" && slices.Contains(o.Networks, d.Cluster)
}

// removeClusters removes the trial's clusters, and what else is in its network.
func (d debt) removeClusters(ctx context.Context, cfg pipeline.Config, c runtimes.Contents) error {
	errs := []error{}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(append(d.clusters(c), d.Cluster)))) {
		cfg.ClusterName = name
		errs = append(errs, pipeline.Delete(ctx, cfg))
	}
	for _, o := range c.Containers {
		if d.connected(o) && o.Labels[clusterLabel] == "" {
			_, err := cfg.Endpoint.Ask(ctx, http.MethodDelete, "/v1.40/containers/"+url.PathEscape(o.ID)+"?force=true&v=true")
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// clusterLabel is what Kind gives the containers of a cluster.
const clusterLabel = "io.x-k8s.kind.cluster"

// removeName removes a name that the trial gave. The image goes with it if it
// has no other name and was not there before the trial.
func (d debt) removeName(ctx context.Context, engine runtimes.Engine, name string) error {
	id, err := engine.Image(ctx, name)
	if err == nil {
		if slices.Contains(d.HadImages, id) {
			err = engine.Untag(ctx, name)
		} else {
			err = engine.Remove(ctx, name)
		}
	}
	if runtimes.IsNotFound(err) {
		return nil
	}
	return err
}

// made says whether an image is one that a step of the trial's builds left.
func (d debt) made(i runtimes.Image) bool {
	return len(i.Names) == 0 && !slices.Contains(d.HadImages, i.ID) && slices.ContainsFunc(d.Made, func(made runtimes.ImageID) bool {
		return strings.HasPrefix(strings.TrimPrefix(string(i.ID), "sha256:"), strings.TrimPrefix(string(made), "sha256:"))
	})
}

// removeSteps removes the nameless images that the trial's builds left behind
// their steps, each by a name that it is given for that: if the user gives it
// one at the same moment, it stays. An image goes after those made from it.
func (d debt) removeSteps(ctx context.Context, engine runtimes.Engine) error {
	name := imageName(d.Mark, d.Trial, "step")
	for had := -1; ; {
		contents, err := engine.Contents(ctx)
		if err != nil {
			return err
		}
		steps := slices.DeleteFunc(contents.Images, func(i runtimes.Image) bool { return !d.made(i) })
		if len(steps) == 0 || len(steps) == had {
			return nil // none, or such as the user has made something from
		}
		had = len(steps)
		for _, i := range steps {
			err := engine.Tag(ctx, string(i.ID), name)
			if err == nil {
				err = engine.Remove(ctx, name)
			}
			if err != nil && !runtimes.IsNotFound(err) {
				if err := engine.Untag(ctx, name); err != nil && !runtimes.IsNotFound(err) {
					return err
				}
			}
		}
	}
}
