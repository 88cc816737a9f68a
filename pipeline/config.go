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

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/deploy"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/strategies"
)

// Config describes one trial completely. The worker process gets nothing else.
type Config struct {
	Task Task `json:"task"`
	// Settings are those of the trial's cell. The other fields, which the runner has made
	// of them, win.
	Settings spec.Settings `json:"settings"`
	// Endpoint is the engine, and how to connect to it.
	Endpoint runtimes.Endpoint `json:"endpoint"`
	// Sender is the name under which contexts are sent to the engine: on a user's engine,
	// it is the trial's own.
	Sender string `json:"sender,omitempty"`
	// ClusterName and NodeImage name the Kind cluster and its node image.
	ClusterName string `json:"cluster_name"`
	NodeImage   string `json:"node_image"`
	// KindConfig is the user's own file, or "". KindPatches add what the lab's node
	// image, this host and the cell need.
	KindConfig  string   `json:"kind_config"`
	KindPatches []string `json:"kind_patches"`
	// NodeSubnet is the subnet that the node image gives the pods of every node, if
	// its network does not lead from one node to another.
	NodeSubnet string              `json:"node_subnet,omitempty"`
	Schedule   strategies.Schedule `json:"schedule"`
	Images     []Image             `json:"images"`
	// Common are stages that several images have in common, for a schedule that shares:
	// images without a name, which are built before the others.
	Common []Image `json:"common,omitempty"`
	// CacheFrom and CacheTo are where builds import and export their cache, unless it is
	// the engine's own: a registry without TLS and a path, to which the image's name is
	// added.
	CacheFrom string `json:"cache_from,omitempty"`
	CacheTo   string `json:"cache_to,omitempty"`
	// Registry is "host:port[/path]" for a schedule that pulls.
	Registry          string `json:"registry,omitempty"`
	RegistryPlainHTTP bool   `json:"registry_plain_http,omitempty"`
	// LoadRegistry is the address of the registry through which built images are loaded.
	LoadRegistry string `json:"load_registry,omitempty"`
	// Setup replaces all phases but test, unless it is nil.
	Setup *spec.Setup `json:"setup,omitempty"`
	// Preload are archives of images that are not built.
	Preload []Archive `json:"preload,omitempty"`
	// Hooks are commands at the start and the end of phases. They run in HooksDir.
	Hooks    spec.Hooks `json:"hooks,omitempty"`
	HooksDir string     `json:"hooks_dir,omitempty"`
	// Deploy are the steps of the deployment, in order.
	Deploy    []deploy.Step `json:"deploy"`
	ReadyURLs []string      `json:"ready_urls"`
	Test      spec.Test     `json:"test"`
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

// Image is one image of the workload. Its tags are its names in the nodes only.
type Image struct {
	spec.Image
	// Ref is its name on the engine, where its tag may be a user's: a name of the
	// trial's own, by which it is also pushed and pulled.
	Ref string `json:"ref"`
	// Build is an identifier that no other build of the engine has.
	Build string `json:"build"`
	// SecretTexts are the secrets that are in no file, by their ids. A worker gets them
	// through a pipe; they are written nowhere.
	SecretTexts map[string]string `json:"secret_texts,omitempty"`
}

// Archive is a docker-archive and the names of the images in it.
type Archive struct {
	Path  string   `json:"path"`
	Names []string `json:"names"`
}

// read reads the inputs before the trial starts, so that a mistake in them is found
// before anything is created and takes no measured time.
func (t *run) read() (err error) {
	if t.cfg.Setup == nil {
		if t.kind, err = kindcluster.ReadConfig(t.cfg.KindConfig, t.cfg.KindPatches); err != nil {
			return err
		}
	}
	t.images = map[string]Image{}
	for _, image := range t.cfg.Images {
		t.images[image.Name] = image
	}
	if err = os.MkdirAll(t.cfg.WorkDir, 0o755); err != nil {
		return fmt.Errorf("making the trial's folder: %w", err)
	}
	if len(t.cfg.Hooks) > 0 || slices.ContainsFunc(t.cfg.Images, func(i Image) bool { return len(i.Command) > 0 }) {
		return t.cfg.kind(nil).PointCommands() // they may run before the cluster is created, or beside that
	}
	return nil
}

// nodePull reports whether the nodes pull the images themselves, past the engine.
func (c Config) nodePull() bool {
	return c.Schedule.Pull && c.Settings.Load.Path == trial.LoadNodePull
}

// asLoaded reports whether the deployment runs beside the builds and the load. Objects
// that need an image are then held until it is in the nodes.
func (c Config) asLoaded() bool { return c.Settings.Deploy.When == trial.DeployAsLoaded }

// asBuilt reports whether each image is loaded in an archive of its own, as soon as it is
// built and the cluster is there.
func (c Config) asBuilt() bool { return c.Settings.Load.When == trial.LoadAsBuilt }

// Warm reports whether every image has steps in a cache.
func (c Config) Warm() bool { return c.Task == Trial && c.Settings.Build.Warm() }

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
			names[spec.FullName(name)] = true
		}
	}
	for _, archive := range c.Preload {
		for _, name := range archive.Names {
			names[spec.FullName(name)] = true
		}
	}
	return names
}
