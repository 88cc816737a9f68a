// Package pipeline runs one trial: cluster, build, load, deploy, test, over an
// engine and Kind. It is the same code for every cell.
package pipeline

import (
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/deploy"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/strategies"
)

// Config is one trial, complete: what the worker process is told.
type Config struct {
	TrialID string `json:"trial_id"`
	// Endpoint says which engine, and how to connect to it.
	Endpoint runtimes.Endpoint `json:"endpoint"`
	// ClusterName and NodeImage name the Kind cluster and its node image.
	ClusterName string `json:"cluster_name"`
	NodeImage   string `json:"node_image"`
	// KindConfig is the user's own file, or ""; Lab adds what the lab's node
	// image and this host need on top of it.
	KindConfig  string   `json:"kind_config"`
	KindPatches []string `json:"kind_patches"`
	// NodeSubnet is what a node image without a network between nodes gives the
	// pods of each.
	NodeSubnet   string             `json:"node_subnet,omitempty"`
	ClusterStart trial.ClusterStart `json:"cluster_start"`
	// Prebooted starts the nodes of a cluster that Preboot has made.
	Prebooted    bool                `json:"prebooted,omitempty"`
	Schedule     strategies.Schedule `json:"schedule"`
	Images       []Image             `json:"images"`
	NoCache      bool                `json:"no_cache"`
	LoadTogether bool                `json:"load_together"`
	// LoadAsBuilt loads each image as soon as it is built and the cluster is
	// there, in an archive of its own.
	LoadAsBuilt bool `json:"load_as_built,omitempty"`
	// NodePull has the nodes pull what the schedule pulls, past the engine.
	NodePull bool `json:"node_pull,omitempty"`
	// Registry is "host:port[/path]" for a schedule that pulls.
	Registry          string `json:"registry,omitempty"`
	RegistryPlainHTTP bool   `json:"registry_plain_http,omitempty"`
	// Setup does the set-up in the place of all phases but test; nil leaves it to
	// them.
	Setup *Setup `json:"setup,omitempty"`
	// Preload are archives of images that are not built.
	Preload []Archive `json:"preload,omitempty"`
	// Hooks are commands at the beginning and the end of phases.
	Hooks map[trial.Phase]Hooks `json:"hooks,omitempty"`
	// Deploy are the steps of the deployment, in order.
	Deploy    []deploy.Step `json:"deploy"`
	ReadyURLs []string      `json:"ready_urls"`
	Test      Test          `json:"test"`
	// Limits end a phase that takes longer; the trial is then timed out.
	Limits map[trial.Phase]time.Duration `json:"limits_ns"`
	// Silence ends a phase in which nothing has happened for so long.
	Silence map[trial.Phase]time.Duration `json:"silence_ns"`
	// WorkDir is a folder for the trial's own small files (kubeconfig).
	WorkDir string `json:"work_dir"`
	// Again is set where the set-up was begun before, and the engine was lost.
	Again *Again `json:"again,omitempty"`
}

// Again is a set-up that goes on after its engine was lost, on what the engine's
// disk holds.
type Again struct {
	// Began is when the set-up was begun, on the trial's clock.
	Began trial.Seconds `json:"began_seconds"`
}

// Image is one image of the workload.
type Image struct {
	Name string `json:"name"`
	// Tag is the name that manifests use. It is given in the nodes only: on the
	// engine, where it may be a user's, the image is Ref, a name of the trial's
	// own, by which it is also pushed and pulled where the schedule does so.
	Tag string `json:"tag"`
	Ref string `json:"ref"`
	// Tags are further names in the nodes.
	Tags []string `json:"tags,omitempty"`
	// Build tells the image's build from all others of the engine.
	Build      string            `json:"build"`
	Context    string            `json:"context"`
	Dockerfile string            `json:"dockerfile"`
	Target     string            `json:"target,omitempty"`
	Platform   string            `json:"platform,omitempty"`
	Args       map[string]string `json:"args"`
	// Secrets are files that builds may mount, by their ids.
	Secrets map[string]string `json:"secrets,omitempty"`
	// SSH are agents of ssh that builds may mount, by their ids: sockets and keys.
	SSH map[string]string `json:"ssh,omitempty"`
}

// Setup is a set-up inside the user's own code.
type Setup struct {
	deploy.Command
	// Marks find phases in what the command prints.
	Marks map[trial.Phase]Mark `json:"marks"`
	// Prepare is run before the set-up, and Cleanup after the trial; both may be
	// empty.
	Prepare []string `json:"prepare,omitempty"`
	Cleanup []string `json:"cleanup,omitempty"`
	// KindConfig is the text of a Kind configuration that clusters need here, or "".
	KindConfig string `json:"kind_config,omitempty"`
	// Limit and Silence bound the command as a whole.
	Limit   time.Duration `json:"limit_ns"`
	Silence time.Duration `json:"silence_ns"`
}

// Archive is a docker-archive, with the names of the images in it.
type Archive struct {
	Path  string   `json:"path"`
	Names []string `json:"names"`
}

// Hooks are the commands of one phase; nil is none.
type Hooks struct {
	Before *deploy.Command `json:"before,omitempty"`
	After  *deploy.Command `json:"after,omitempty"`
}

// Mark are patterns of the lines with which a phase begins and ends; End may be
// empty.
type Mark struct {
	Start string `json:"start"`
	End   string `json:"end,omitempty"`
}

// Test is the suite's command and how its results are read.
type Test struct {
	Command       []string          `json:"command"`
	Dir           string            `json:"dir"`
	Env           map[string]string `json:"env"`
	Format        string            `json:"format"`
	Report        string            `json:"report"`
	KnownFailures []string          `json:"known_failures"`
}
