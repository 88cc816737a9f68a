// Package pipeline runs one trial on an engine and Kind: cluster, build, load,
// deploy and test. Every cell runs the same code.
package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/deploy"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/pipeline/testreport"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/strategies"
)

// Config describes one trial completely. The worker process gets nothing else.
type Config struct {
	TrialID string `json:"trial_id"`
	// Endpoint is the engine, and how to connect to it.
	Endpoint runtimes.Endpoint `json:"endpoint"`
	// ClusterName and NodeImage name the Kind cluster and its node image.
	ClusterName string `json:"cluster_name"`
	NodeImage   string `json:"node_image"`
	// KindConfig is the user's own file, or "". KindPatches add what the lab's node
	// image, this host and the cell need.
	KindConfig  string   `json:"kind_config"`
	KindPatches []string `json:"kind_patches"`
	// NodeSubnet is the subnet that the node image gives the pods of every node, if
	// its network does not lead from one node to another.
	NodeSubnet   string             `json:"node_subnet,omitempty"`
	ClusterStart trial.ClusterStart `json:"cluster_start"`
	// Prebooted starts the nodes of a cluster that Preboot created.
	Prebooted bool                `json:"prebooted,omitempty"`
	Schedule  strategies.Schedule `json:"schedule"`
	Images    []Image             `json:"images"`
	// Common are stages that several images have in common, for a schedule that shares:
	// images without a name, which are built before the others.
	Common  []Image `json:"common,omitempty"`
	NoCache bool    `json:"no_cache"`
	// WarmCache is set if every image has steps in a cache, which CacheFrom names unless
	// the engine has them. CacheFrom and CacheTo are where builds import and export their
	// cache: a registry without TLS and a path, to which the image's name is added.
	WarmCache    bool   `json:"warm_cache,omitempty"`
	CacheFrom    string `json:"cache_from,omitempty"`
	CacheTo      string `json:"cache_to,omitempty"`
	LoadTogether bool   `json:"load_together"`
	// LoadAsBuilt loads each image as soon as it is built and the cluster is
	// there, in an archive of its own.
	LoadAsBuilt bool `json:"load_as_built,omitempty"`
	// LoadShared sends of the images only what the nodes do not have yet.
	LoadShared bool `json:"load_shared,omitempty"`
	// DeployAsLoaded deploys beside the builds and the load, as soon as the cluster is
	// there. Objects that need an image are held until it is in the nodes.
	DeployAsLoaded bool `json:"deploy_as_loaded,omitempty"`
	// NodePull has the nodes pull the images themselves, past the engine, if the
	// schedule pulls.
	NodePull bool `json:"node_pull,omitempty"`
	// Registry is "host:port[/path]" for a schedule that pulls.
	Registry          string `json:"registry,omitempty"`
	RegistryPlainHTTP bool   `json:"registry_plain_http,omitempty"`
	// Setup replaces all phases but test, unless it is nil.
	Setup *Setup `json:"setup,omitempty"`
	// Preload are archives of images that are not built.
	Preload []Archive `json:"preload,omitempty"`
	// Hooks are commands at the start and the end of phases.
	Hooks map[trial.Phase]Hooks `json:"hooks,omitempty"`
	// Deploy are the steps of the deployment, in order.
	Deploy    []deploy.Step `json:"deploy"`
	ReadyURLs []string      `json:"ready_urls"`
	Test      Test          `json:"test"`
	// Limits end a phase that takes longer. The trial is then timed out.
	Limits map[trial.Phase]time.Duration `json:"limits_ns"`
	// Silence ends a phase in which nothing happens for so long.
	Silence map[trial.Phase]time.Duration `json:"silence_ns"`
	// WorkDir is a folder for the trial's own small files (kubeconfig).
	WorkDir string `json:"work_dir"`
	// Again is set if the set-up was begun before and lost its engine: when it began,
	// on the trial's clock. It goes on with what is on the engine's disk.
	Again *trial.Seconds `json:"again,omitempty"`
}

// Image is one image of the workload.
type Image struct {
	Name string `json:"name"`
	// Tag is the name that manifests use. The image has it in the nodes only. On the
	// engine, where that name may be a user's, it is called Ref, a name of the trial's
	// own, by which it is also pushed and pulled.
	Tag string `json:"tag"`
	Ref string `json:"ref"`
	// Tags are further names in the nodes.
	Tags []string `json:"tags,omitempty"`
	// Command builds the image. It is nil for an image with a Dockerfile.
	Command *deploy.Command `json:"command,omitempty"`
	// Build is an identifier that no other build of the engine has.
	Build      string            `json:"build"`
	Context    string            `json:"context"`
	Dockerfile string            `json:"dockerfile"`
	Target     string            `json:"target,omitempty"`
	Platform   string            `json:"platform,omitempty"`
	Args       map[string]string `json:"args"`
	// Secrets are files that the build may mount, by id.
	Secrets map[string]string `json:"secrets,omitempty"`
	// SSH are the SSH agents that the build may mount, by id: sockets or keys.
	SSH map[string]string `json:"ssh,omitempty"`
}

// Setup is a set-up in the user's own code.
type Setup struct {
	deploy.Command
	// Marks are how phases are found in the output of the command.
	Marks map[trial.Phase]Mark `json:"marks"`
	// Prepare runs before the set-up, and Cleanup after the trial. Both may be empty.
	Prepare []string `json:"prepare,omitempty"`
	Cleanup []string `json:"cleanup,omitempty"`
	// KindConfig is a Kind configuration that clusters need on this machine, or "".
	KindConfig string `json:"kind_config,omitempty"`
	// Limit and Silence bound the command as a whole.
	Limit   time.Duration `json:"limit_ns"`
	Silence time.Duration `json:"silence_ns"`
}

// Archive is a docker-archive and the names of the images in it.
type Archive struct {
	Path  string   `json:"path"`
	Names []string `json:"names"`
}

// Hooks are the commands of one phase; nil is none.
type Hooks struct {
	Before *deploy.Command `json:"before,omitempty"`
	After  *deploy.Command `json:"after,omitempty"`
}

// Mark has the patterns of the lines with which a phase begins and ends. End may be
// empty.
type Mark struct {
	Start string `json:"start"`
	End   string `json:"end,omitempty"`
}

// Test is the command of the suite, and how its results are read.
type Test struct {
	Command       []string          `json:"command"`
	Dir           string            `json:"dir"`
	Env           map[string]string `json:"env"`
	Format        testreport.Format `json:"format"`
	Report        string            `json:"report"`
	KnownFailures []string          `json:"known_failures"`
}

// read reads the inputs before the trial starts, so that a mistake in them is found
// before anything is created and takes no measured time.
func (t *run) read() (err error) {
	if t.cfg.Setup == nil {
		if t.kind, err = kindcluster.ReadConfig(t.cfg.KindConfig, t.cfg.KindPatches); err != nil {
			return err
		}
		if t.images, err = t.cfg.scheduled(); err != nil {
			return err
		}
	}
	if err = os.MkdirAll(t.cfg.WorkDir, 0o755); err != nil {
		return fmt.Errorf("making the trial's folder: %w", err)
	}
	if len(t.cfg.Hooks) > 0 || slices.ContainsFunc(t.cfg.Images, func(i Image) bool { return i.Command != nil }) {
		return t.cfg.kind(nil).PointCommands() // they may run before the cluster is created, or beside that
	}
	return nil
}

// scheduled returns the images by name. It makes sure that the schedule names each
// of them once, and no others.
func (c Config) scheduled() (map[string]Image, error) {
	images, seen := map[string]Image{}, map[string]bool{}
	for _, image := range c.Images {
		images[image.Name] = image
	}
	for _, stage := range c.Schedule.Stages {
		for _, name := range stage.Images {
			if _, ok := images[name]; !ok || seen[name] {
				return nil, fmt.Errorf("the schedule of strategy %q names the image %q, which is not in the workload or was named before", c.Schedule.Strategy, name)
			}
			seen[name] = true
		}
	}
	if len(seen) != len(images) {
		return nil, fmt.Errorf("the schedule of strategy %q covers %d of the workload's %d images", c.Schedule.Strategy, len(seen), len(images))
	}
	if c.Schedule.Pull && c.Registry == "" {
		return nil, fmt.Errorf("strategy %q pulls, and no registry is given", c.Schedule.Strategy)
	}
	return images, nil
}

// kind describes the cluster that the trial creates.
func (c Config) kind(config *v1alpha4.Cluster) kindcluster.Options {
	return kindcluster.Options{
		Name:       c.ClusterName,
		NodeImage:  c.NodeImage,
		Endpoint:   c.Endpoint,
		Config:     config,
		Kubeconfig: c.Kubeconfig(),
		NodeSubnet: c.NodeSubnet,
	}
}

// Kubeconfig is the kubeconfig of the trial's cluster.
func (c Config) Kubeconfig() string { return filepath.Join(c.WorkDir, "kubeconfig") }

// loads are the complete names of all images that the phase load brings into the nodes.
func (c Config) loads() map[string]bool {
	names := map[string]bool{}
	for _, i := range c.Images {
		for _, name := range append([]string{i.Tag}, i.Tags...) {
			names[deploy.ImageName(name)] = true
		}
	}
	for _, archive := range c.Preload {
		for _, name := range archive.Names {
			names[deploy.ImageName(name)] = true
		}
	}
	return names
}
