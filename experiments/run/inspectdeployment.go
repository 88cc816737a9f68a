package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/lab"
	"github.com/stratbench/stratbench/pipeline/deploy"
)

// prepared is a deployment, read, built and rendered as every trial of the run
// applies it.
type prepared struct {
	steps []deploy.Step
	errs  []error
}

// deploymentKey identifies a deployment by its steps and by the settings on which
// its Kubernetes depends.
func deploymentKey(c resolved) string {
	key, _ := json.Marshal([]any{c.settings.Runtime, c.settings.NodeImage, c.workload.KindConfig, c.workload.Steps()}) // was read from JSON
	return string(key)
}

// local are the steps with their remote files on this host, which are fetched to the cache.
func local(ctx context.Context, cache string, steps []spec.Step) (all []spec.Step, errs []error) {
	for i, s := range steps {
		here := func(part, file string) string {
			file, err := fetched(ctx, cache, file)
			if err != nil {
				errs = append(errs, &deploy.SourceError{Source: i, Part: part, Err: err})
			}
			return file
		}
		s.Apply = slices.Clone(s.Apply)
		for n, file := range s.Apply {
			s.Apply[n] = here(fmt.Sprintf("apply.%d", n), file)
		}
		if s.Helm != nil {
			chart := *s.Helm
			chart.Chart = here("helm.chart", chart.Chart)
			s.Helm = &chart
		}
		all = append(all, s)
	}
	return all, errs
}

// kubernetesTag finds the minor version of Kubernetes in the tag of a node image.
var kubernetesTag = regexp.MustCompile(`:v1\.(\d+)[^/]*$`)

// ofNodes matches images that a node image contains.
var ofNodes = regexp.MustCompile(`^(registry\.k8s\.io|docker\.io/kindest)/`)

// minor is the minor version of the cluster's Kubernetes, 0 if that is not known.
func (c *cellInspection) minor() (minor int) {
	if m := kubernetesTag.FindStringSubmatch(c.nodeImage()); m != nil {
		minor, _ = strconv.Atoi(m[1])
	}
	return minor
}

// deployment inspects the steps of the deployment and the images in them.
func (c *cellInspection) deployment(ctx context.Context) {
	ofLab := c.nodeImage() == lab.NodeImageName
	h := c.workload.Hooks
	hooks := slices.Concat(h[trial.PhaseCluster].After, h[trial.PhaseBuild].After, h[trial.PhaseLoad].Before, h[trial.PhaseLoad].After, h[trial.PhaseDeploy].Before)
	server := deploy.Server{
		Minor: c.minor(), Volumes: !ofLab, OtherAPIs: len(c.kind.RuntimeConfig) > 0 || patches(c.kind, "runtime-config"), Hooked: len(hooks) > 0,
		NodePorts: !patches(c.kind, "service-node-port-range"), CPUs: c.site.cpus, Memory: c.site.memory,
	}
	if !ofLab {
		server.Namespaces = []string{"local-path-storage"}
	}
	if !server.Hooked && c.ownNodeImage() < 0 { // either may label nodes
		server.Nodes = nodesOf(c.kind)
	}
	key := deploymentKey(c.resolved)
	p, known := c.r.deployments[key]
	if !known { // once for the run, so that trials apply what was inspected
		steps, errs := local(ctx, c.r.cache, c.workload.Steps())
		if p.errs = errs; len(errs) == 0 {
			p.steps, p.errs = deploy.Prepare(steps, server)
		}
		c.r.deployments[key] = p
	}
	for _, err := range p.errs {
		if of, is := errors.AsType[*deploy.SourceError](err); is {
			c.wrong(&c.issues, c.ofStep(of.Source, of.Part), of.Err)
		} else {
			c.wrong(&c.issues, "workload.manifests", err)
		}
	}
	certain, possible := deploy.Check(p.steps, len(p.errs) == 0, server, func(s deploy.Step, certain bool, text string) {
		to := &c.warnings
		if certain {
			to = &c.issues
		}
		c.at(to, c.ofStep(s.Source, "wait.object"), "%s: %s", s.Name, text)
	})
	c.issues.List = append(c.issues.List, certain...)
	c.warnings.List = append(c.warnings.List, possible...)
	for i, s := range c.workload.Steps() {
		if len(s.Command) > 0 {
			c.command(c.ofStep(i, "command.0"), "the command of the step", s.Command, s.Dir)
			c.environment(c.ofStep(i, "env."), s.Env, readByCommand)
		}
		if s.Wait != nil {
			if doubt := (*deploy.Condition)(s.Wait).Doubt(); doubt != "" {
				c.at(&c.warnings, c.ofStep(i, "wait.for"), "%s", doubt)
			}
		}
		if s.Helm != nil {
			setting := c.ofStep(i, "helm.values")
			for _, key := range slices.Sorted(maps.Keys(s.Helm.Values)) {
				if _, is := s.Helm.Values[key].(map[string]any); !is && strings.ContainsAny(key, ".[") { // grafana.ini is the name of a mapping
					c.at(&c.warnings, setting, "%q is one key, and not a path as for --set; write a mapping: values: {image: {tag: e2e}}", key)
				}
			}
			c.values(setting, s.Helm.Values)
		}
	}
	c.deployedImages(ctx, p.steps, server.Hooked)
	if len(p.errs) == 0 && !server.Hooked && len(p.steps) > 0 {
		c.mappedPorts(deploy.NodePorts(p.steps))
	}
	if c.kind.Networking.DisableDefaultCNI && !ofLab && c.ownNodeImage() < 0 && c.settings.NodeImage == "" &&
		!c.mountsInto("/etc/cni") && len(p.errs) == 0 && !deploy.MayBringNetwork(p.steps) {
		c.in(&c.issues, "without its default network no node becomes ready, and the deployment has no DaemonSet that could bring one; deploy one, take disableDefaultCNI out, or use a node image that has the network in it", "networking", "disableDefaultCNI")
	}
}

// nodesOf are the nodes of a Kind configuration.
func nodesOf(kind *v1alpha4.Cluster) (nodes []deploy.Node) {
	workers := slices.ContainsFunc(kind.Nodes, func(n v1alpha4.Node) bool { return n.Role == v1alpha4.WorkerRole })
	for _, n := range kind.Nodes {
		node := deploy.Node{Tainted: n.Role == v1alpha4.ControlPlaneRole && workers && !patches(kind, "taint"), ControlPlane: n.Role == v1alpha4.ControlPlaneRole, Labels: n.Labels, Patches: slices.Concat(kind.KubeadmConfigPatches, n.KubeadmConfigPatches)}
		for _, p := range slices.Concat(kind.KubeadmConfigPatchesJSON6902, n.KubeadmConfigPatchesJSON6902) {
			node.Patches = append(node.Patches, p.Patch)
		}
		nodes = append(nodes, node)
	}
	return nodes
}

// ofStep is the setting of a part of a deployment step.
func (c *cellInspection) ofStep(i int, part string) string {
	if len(c.workload.Manifests) > 0 {
		return "workload.manifests." + strings.TrimPrefix(part, "apply.")
	}
	step := strconv.Itoa(i)
	if name := c.workload.Deploy[i].Name; name != "" {
		step = name
	}
	return "workload.deploy." + step + "." + part
}

// deployedImages inspects the images in the steps' objects. If hooked is true, a hook may
// bring images into the nodes; a node image that is chosen may have them, too.
func (c *cellInspection) deployedImages(ctx context.Context, steps []deploy.Step, hooked bool) {
	objects := deploy.Objects(steps)
	brought := hooked || c.ownNodeImage() >= 0 || c.settings.NodeImage != "" || slices.ContainsFunc(steps, func(s deploy.Step) bool { return s.Command != nil })
	preloaded := map[string]bool{}
	for _, name := range c.preloaded(ctx) {
		preloaded[spec.FullName(name)] = true
	}
	uses := deploy.Images(objects)
	said := map[string]bool{}
	for _, u := range uses {
		if said[fmt.Sprint(u.Image, u.Always, u.Never)] {
			continue
		}
		said[fmt.Sprint(u.Image, u.Always, u.Never)] = true
		switch _, built := c.workload.Named(u.Image); {
		case !built && !preloaded[spec.FullName(u.Image)] && u.Never && !brought && !ofNodes.MatchString(spec.FullName(u.Image)):
			c.issues.Add(u.File, u.At, "%s needs %s, which the workload neither builds nor preloads, and no node may pull; correct its name, or write imagePullPolicy: IfNotPresent", u.Object, u.Image)
		case !built && !preloaded[spec.FullName(u.Image)]:
			known := len(c.issues.List) + len(c.warnings.List)
			c.image(ctx, u.Image, u.File, u.At, fmt.Sprintf("%s needs %s, which the workload neither builds nor preloads", u.Object, u.Image), inNode)
			if tag := c.unused(u.Image, objects, uses); tag != "" && known == len(c.issues.List)+len(c.warnings.List) {
				c.warnings.Add(u.File, u.At, "%s gets %s from a registry, and no object uses %s, which the workload builds; correct the image here (in a chart by its values), or preload it if both are wanted", u.Object, u.Image, tag)
			}
		case u.Always && (c.site.offline || strings.HasPrefix(u.Image, "localhost/")):
			c.issues.Add(u.File, u.At, "%s: the node asks the registry for %s each time, although the image is loaded, and cannot reach the registry; write imagePullPolicy: IfNotPresent", u.Object, u.Image)
		case u.Always:
			c.warnings.Add(u.File, u.At, "%s: the node asks the registry for %s each time, although the image is loaded; write imagePullPolicy: IfNotPresent", u.Object, u.Image)
		}
	}
}

// unused is the tag of an image that the workload builds and neither an object nor another
// image uses, if its name differs from the other one only in the registry or in its
// beginning.
func (c *cellInspection) unused(other string, objects []deploy.Object, uses []deploy.Use) string {
	used := map[string]bool{}
	for _, u := range uses {
		image, _ := c.workload.Named(u.Image)
		used[image.Name] = true
	}
	path := func(ref string) string { // with no registry: "/shop/api"
		named, err := reference.ParseNormalizedNamed(ref)
		if err != nil {
			return ""
		}
		return "/" + strings.TrimPrefix(reference.Path(named), "library/")
	}
	theirs := path(other)
	for _, image := range c.workload.Images {
		tags := append([]string{image.Tag}, image.Tags...)
		own := path(image.Tag)
		if own == "" || used[image.Name] || !strings.HasSuffix(own, theirs) && !strings.HasSuffix(theirs, own) {
			continue
		}
		if !slices.ContainsFunc(c.workload.Images, func(i spec.Image) bool { return builtOn(c.workload, c.settings.Build.Args, i, image) != "" }) &&
			!slices.ContainsFunc(objects, func(o deploy.Object) bool { return o.Mentions(tags) }) {
			return image.Tag
		}
	}
	return ""
}

// preloaded inspects the images that are loaded and not built, and returns their
// names.
func (c *cellInspection) preloaded(ctx context.Context) (names []string) {
	for i, entry := range c.workload.Preload {
		setting := fmt.Sprintf("workload.preload.%d", i)
		if spec.IsArchive(entry) {
			in, err := namesInArchive(entry)
			if err != nil {
				c.at(&c.issues, setting, "%v", err)
			}
			names = append(names, in...)
			continue
		}
		names = append(names, entry)
		asking, done := context.WithTimeout(ctx, askLimit)
		_, _, err := lookUp(asking, entry)
		done()
		certain, doubt := judge("this host", entry, err, "correct its name, or save it to an archive and name that")
		switch {
		case certain != nil:
			c.at(&c.issues, setting, "the image %s, which trials load: %v", entry, certain)
		case doubt != nil:
			c.at(&c.warnings, setting, "the image %s, which trials load: %v", entry, doubt)
		}
	}
	return names
}
