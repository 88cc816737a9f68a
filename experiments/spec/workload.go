package spec

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/testreport"
	"github.com/stratbench/stratbench/strategies"
)

// Workload is what is built, deployed and tested. It has a file of its own, so
// that experiments share it; its paths are relative to that file.
type Workload struct {
	// APIVersion is the version of the format: stratbench/v1.
	APIVersion string `json:"apiVersion" jsonschema:"required,enum=stratbench/v1"`
	// Path is the workload's file, Dir its folder. As loaded, all paths of the
	// workload are absolute.
	Path string `json:"-"`
	Dir  string `json:"-"`
	// Images are the images to build, in the order in which a serial strategy
	// builds them. With setup, only their names and weights are given, for
	// strategies to schedule. Without images, nothing is built.
	Images []Image `json:"images,omitempty" jsonschema:"minItems=1"`
	// Preload are images that pods need and that are not built: references, which
	// are pulled before the first trial, and archives (docker save), whose names
	// end in .tar. The phase load brings them into the nodes.
	Preload []string `json:"preload,omitempty"`
	// Setup is a command of your own that does the whole set-up, instead of
	// kindConfig, manifests, deploy and ready.
	Setup *Setup `json:"setup,omitempty"`
	// KindConfig is the file of a Kind cluster configuration. Default: Kind's own.
	KindConfig string `json:"kindConfig"`
	// Manifests are the files to apply, in this order: the short form of deploy
	// with one step that applies them. A folder stands for the .yaml, .yml and
	// .json files in it, and deploy/** for those in all folders below, too; a pattern
	// such as deploy/*.yaml or */k8s/* stands for the files that it matches, by name.
	Manifests []string `json:"manifests,omitempty" jsonschema:"minItems=1"`
	// Deploy are the steps of the deployment, in this order, instead of manifests.
	// A step is over when its own work is done; after the last one, stratbench
	// waits until all objects are ready. An empty list deploys nothing, for a suite
	// that deploys by itself.
	Deploy []Step `json:"deploy,omitempty"`
	// Hooks are commands before and after phases.
	Hooks Hooks `json:"hooks,omitempty"`
	// Ready adds to the conditions under which the services are ready.
	Ready Ready `json:"ready"`
	// Test is the suite that runs against the deployed services.
	Test Test `json:"test"`
	// SHA256 is the hash, in hex, of the workload's file and of the Dockerfiles,
	// Kind configuration, manifests, kustomizations and charts that it names. The
	// build contexts are left out: they are large, and their revision is recorded.
	SHA256 string `json:"-"`
}

// Image is one image of the workload.
type Image struct {
	// Name is what strategies and factors call the image.
	Name string `json:"name" jsonschema:"required,pattern=^[a-zA-Z0-9][a-zA-Z0-9_-]*$"`
	// Tag is the reference that the manifests use, with its tag, such as
	// localhost/api:dev. Without a registry it is one of docker.io, as there.
	Tag string `json:"tag,omitempty" jsonschema:"minLength=1"`
	// Tags are further names of the image in the cluster's nodes.
	Tags []string `json:"tags,omitempty"`
	// Command is a program and its arguments, such as ko, bake or Bazel, that build
	// the image instead of a Dockerfile. When it ends, the engine must have the image
	// by the name in the variable STRATBENCH_IMAGE. The rest of its environment is
	// that of the test command.
	Command []string `json:"command,omitempty" jsonschema:"minItems=1"`
	// Dir is the folder to run the command in. Default: the workload's.
	Dir string `json:"dir,omitempty" jsonschema:"minLength=1"`
	// Env is added to the command's environment.
	Env map[string]string `json:"env,omitempty"`
	// Context is the folder that is sent to the engine.
	Context string `json:"context,omitempty" jsonschema:"minLength=1"`
	// Dockerfile is relative to the context and inside it. Default Dockerfile.
	Dockerfile string `json:"dockerfile" jsonschema:"minLength=1,default=Dockerfile"`
	// Contexts are further contexts, by the names by which the Dockerfile uses them in
	// FROM, COPY --from and mounts: folders, and images after docker-image://, which
	// may be others of this workload.
	Contexts map[string]string `json:"contexts,omitempty"`
	// Target is the stage that is built. Default: the last one.
	Target string `json:"target,omitempty" jsonschema:"minLength=1"`
	// Platform is the platform to build for, such as linux/amd64. Default: the
	// engine's own.
	Platform string `json:"platform,omitempty" jsonschema:"minLength=1"`
	// Secrets are files, or variables of the environment in which stratbench is started
	// (env:NPM_TOKEN), by the id under which a build step mounts them:
	// RUN --mount=type=secret,id=npmrc. Their lines appear in no record and no log.
	Secrets map[string]string `json:"secrets,omitempty"`
	// SSH are ssh agents, by the id under which a build step mounts them: default
	// for RUN --mount=type=ssh. Each is "agent", which stands for the agent of
	// SSH_AUTH_SOCK where stratbench is started, or the path of another agent's
	// socket or of a key without a passphrase. Podman builds do not support them.
	SSH map[string]string `json:"ssh,omitempty"`
	// Args are build arguments.
	Args map[string]string `json:"args"`
	// Weight is the build cost relative to the other images. Default 1.
	Weight float64 `json:"weight" jsonschema:"exclusiveMinimum=0,default=1"`
}

// FullName is an image's name as engines and nodes complete it.
func FullName(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ref
	}
	return reference.TagNameOnly(named).String()
}

// Named is the image of the workload that a reference names, by any of its tags and
// however complete the reference is.
func (w Workload) Named(ref string) (Image, bool) {
	full := FullName(ref)
	for _, i := range w.Images {
		if slices.ContainsFunc(append([]string{i.Tag}, i.Tags...), func(tag string) bool { return tag != "" && FullName(tag) == full }) {
			return i, true
		}
	}
	return Image{}, false
}

// FromDockerfiles are the images that stratbench builds itself, and no command does.
func (w Workload) FromDockerfiles() []Image {
	return slices.DeleteFunc(slices.Clone(w.Images), func(i Image) bool { return i.Context == "" })
}

// SecretVariable returns the variable of the environment that a secret is, and false for
// a file.
func SecretVariable(secret string) (name string, is bool) { return strings.CutPrefix(secret, "env:") }

// UserAgent stands for the ssh agent of the user's environment.
const UserAgent = "agent"

// Agents are the sockets or keys of the image's ssh agents, by their ids.
func (i Image) Agents() map[string]string {
	agents := maps.Clone(i.SSH)
	for id, path := range agents {
		if path == UserAgent {
			agents[id] = os.Getenv("SSH_AUTH_SOCK")
		}
	}
	return agents
}

// IsArchive reports whether an entry of preload is an archive.
func IsArchive(entry string) bool { return strings.HasSuffix(entry, ".tar") }

// Setup is a set-up inside your own code: a command that builds, creates its
// cluster, loads and deploys.
type Setup struct {
	// Command is the program and its arguments. {{concurrency}}, {{strategy}},
	// {{schedule}}, {{runtime}} and {{cluster}} in them stand for what the trial
	// asks for.
	Command []string `json:"command" jsonschema:"required,minItems=1"`
	// Dir is the folder to run it in. Default: the workload's.
	Dir string `json:"dir,omitempty" jsonschema:"minLength=1"`
	// Env is added to the environment, with {{…}} replaced as in the command. The
	// environment also has KUBECONFIG, KIND_CLUSTER_NAME and the variables that
	// docs/workloads.md lists, such as STRATBENCH_SCHEDULE and STRATBENCH_CLUSTER.
	Env map[string]string `json:"env,omitempty"`
	// Marks find the phases in the lines that the command prints. The command
	// may also call stratbench mark PHASE start, and stratbench mark PHASE end.
	Marks Marks `json:"marks,omitempty"`
	// Prepare is a command that runs before each trial and is not timed. Cleanup
	// is one that runs after each trial on your own engine.
	Prepare []string `json:"prepare,omitempty" jsonschema:"minItems=1"`
	Cleanup []string `json:"cleanup,omitempty" jsonschema:"minItems=1"`
	// Timeout bounds how long the command may take, and Silence how long it may
	// print nothing; inside a phase that its marks show, the limits of the phase
	// count as well. Default 1h, and 10m.
	Timeout Duration `json:"timeout,omitempty" jsonschema:"default=1h"`
	Silence Duration `json:"silence,omitempty" jsonschema:"default=10m"`
}

// Marks are patterns by phase.
type Marks map[trial.Phase]Mark

// Mark is how a phase is found in lines of output, by regular expressions.
type Mark struct {
	// Start is found in the line with which the phase begins.
	Start string `json:"start" jsonschema:"required,minLength=1"`
	// End is found in the line with which it ends. Without one, it ends when the
	// next phase begins, or with the command.
	End string `json:"end,omitempty" jsonschema:"minLength=1"`
}

// placeholders are the names that {{…}} may have in a set-up command.
var placeholders = []string{"cluster", "concurrency", "runtime", "schedule", "strategy"}

var placeholder = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// Fill replaces {{name}} in a text by the value of that name. Anything else in
// braces may be a template of another program, and stays.
func Fill(text string, values map[string]string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		if value, known := values[placeholder.FindStringSubmatch(found)[1]]; known {
			return value
		}
		return found
	})
}

// Hooks are commands by phase.
type Hooks map[trial.Phase]Hook

// Hook is a command before and one after a phase. They are part of the phase: of
// its time, in spans of their own, of its limits and of its outcome.
type Hook struct {
	// Before and After are a program and its arguments each. Their environment is
	// that of the test command.
	Before []string `json:"before,omitempty" jsonschema:"minItems=1"`
	After  []string `json:"after,omitempty" jsonschema:"minItems=1"`
}

// Step is one step of a deployment: apply, kustomize, helm, command or wait.
type Step struct {
	// Name is what spans, messages and factors call the step.
	Name string `json:"name,omitempty" jsonschema:"pattern=^[a-zA-Z0-9][a-zA-Z0-9_-]*$"`
	// Apply are manifests to apply, as under manifests. A URL ends in #sha256=
	// and the checksum of its file, which is fetched before the first trial.
	Apply []string `json:"apply,omitempty" jsonschema:"minItems=1"`
	// Kustomize is the folder of a kustomization. It is built before the first
	// trial, and nothing is fetched for it.
	Kustomize string `json:"kustomize,omitempty" jsonschema:"minLength=1"`
	// Helm is a chart. It is rendered before the first trial.
	Helm *Chart `json:"helm,omitempty"`
	// Command is a program and its arguments. Its environment is that of the test
	// command.
	Command []string `json:"command,omitempty" jsonschema:"minItems=1"`
	// Dir is the folder to run the command in. Default: the workload's.
	Dir string `json:"dir,omitempty" jsonschema:"minLength=1"`
	// Env is added to the command's environment.
	Env map[string]string `json:"env,omitempty"`
	// Wait is something to wait for, as kubectl wait does.
	Wait *Wait `json:"wait,omitempty"`
	// Timeout bounds how long the step waits. Default: the limit of the phase for a
	// condition or a command, two minutes for resource kinds, namespaces and webhooks
	// that are not there yet.
	Timeout Duration `json:"timeout,omitempty"`
}

// Chart is a Helm chart.
type Chart struct {
	// Chart is its folder, its archive, or the URL of its archive, which may be in
	// a registry (oci://host/name:version), with #sha256= and the checksum of the
	// archive. The charts that it depends on are in its folder charts.
	Chart string `json:"chart" jsonschema:"required,minLength=1"`
	// Release is the name of the installation. Default: that of the chart's folder.
	Release string `json:"release,omitempty" jsonschema:"pattern=^[a-z0-9][a-z0-9-]*$"`
	// Namespace is that of the installation; it is created if nothing else creates
	// it. Default: default.
	Namespace string `json:"namespace,omitempty" jsonschema:"pattern=^[a-z0-9][a-z0-9-]*$"`
	// ValuesFiles are files of values; a later file overrides an earlier one.
	ValuesFiles []string `json:"valuesFiles,omitempty"`
	// Values override those of files.
	Values map[string]any `json:"values,omitempty"`
}

// Wait is something to wait for.
type Wait struct {
	// For is condition=NAME or condition=NAME=VALUE, jsonpath={PATH}=VALUE or
	// jsonpath={PATH}, create or delete.
	For string `json:"for" jsonschema:"required,minLength=1"`
	// Object is KIND/NAME, or KIND for all objects of that kind which the selector
	// selects, at least one.
	Object string `json:"object" jsonschema:"required,minLength=1"`
	// Namespace is where the object is. Default: default.
	Namespace string `json:"namespace,omitempty"`
	// Selector selects objects by their labels, such as app=shop.
	Selector string `json:"selector,omitempty"`
}

// ToSchedule are the images to build as strategies see them.
func (w Workload) ToSchedule() (images []strategies.Image) {
	for _, i := range w.Images {
		images = append(images, strategies.Image{Name: i.Name, Weight: i.Weight})
	}
	return images
}

// Steps are the steps of the deployment in either form.
func (w Workload) Steps() []Step {
	if len(w.Manifests) > 0 {
		return []Step{{Apply: w.Manifests}}
	}
	return w.Deploy
}

// Ready says when services are ready: when all applied objects are, by the
// rules of kstatus, and every URL answers 2xx.
type Ready struct {
	// URLs are requested until each answers 2xx.
	URLs []string `json:"urls"`
}

// Test is the suite that runs against the deployed services.
type Test struct {
	// Command is the program and its arguments.
	Command []string `json:"command" jsonschema:"required,minItems=1"`
	// Dir is the folder to run it in. Default: the workload's.
	Dir string `json:"dir" jsonschema:"minLength=1,default=."`
	// Env is added to the environment, which also has KUBECONFIG and the trial's
	// own variables: KIND_CLUSTER_NAME, STRATBENCH_CLUSTER, STRATBENCH_CONTEXT, STRATBENCH_RUNTIME,
	// STRATBENCH_STRATEGY, the limit of each phase in seconds, such as
	// STRATBENCH_LIMIT_TEST, and two for each image, such as shop-api: its tag,
	// STRATBENCH_TAG_SHOP_API, which only the cluster's nodes know, and its name on
	// the engine, STRATBENCH_IMAGE_SHOP_API
	// (docker run "$STRATBENCH_IMAGE_SHOP_API").
	Env map[string]string `json:"env"`
	// Format is how results are reported: go-json (go test -json) and go-verbose
	// (go test -v) on standard output, ginkgo-json and junit in the report file;
	// with exit-code, the command is one test and its exit code is the result.
	// Default go-json.
	Format testreport.Format `json:"format" jsonschema:"default=go-json"`
	// Report is the file that the command writes, for ginkgo-json and junit,
	// relative to dir; a pattern such as out/*.xml stands for several.
	Report string `json:"report"`
	// KnownFailures are tests, by their full name, whose failure does not fail
	// a trial.
	KnownFailures []string `json:"knownFailures"`
}

func defaultWorkload() Workload {
	return Workload{Test: Test{Dir: ".", Format: testreport.GoJSON}}
}
