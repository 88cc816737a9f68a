package spec

import (
	"maps"
	"os"
)

// Workload is what is built, deployed and tested. It has a file of its own, so
// that experiments share it; its paths are relative to that file.
type Workload struct {
	// Path is the workload's file, Dir its folder. As loaded, all paths of the
	// workload are absolute.
	Path string `json:"-"`
	Dir  string `json:"-"`
	// Images are the images to build, in the order in which a serial strategy
	// builds them.
	// Where setup is given, a strategy needs their names and weights alone.
	Images []Image `json:"images,omitempty" jsonschema:"minItems=1"`
	// Preload are images that are not built and that pods need: references, which
	// are pulled before the first trial, and archives (docker save), whose names
	// end in .tar. The phase load brings them into the nodes.
	Preload []string `json:"preload,omitempty"`
	// Setup is a command of the user's own that does the whole set-up, instead of
	// kindConfig, manifests, deploy and ready.
	Setup *Setup `json:"setup,omitempty"`
	// KindConfig is a Kind cluster configuration; empty is Kind's default.
	KindConfig string `json:"kindConfig"`
	// Manifests are the files to apply, in this order: the short form of deploy
	// with one step that applies them. A folder stands for the .yaml, .yml and
	// .json files in it, and patterns such as deploy/*.yaml or deploy/** for the
	// files that they match, by name.
	Manifests []string `json:"manifests,omitempty" jsonschema:"minItems=1"`
	// Deploy are the steps of the deployment, in this order, instead of manifests.
	// A step is over when what it does is done; that all objects are ready is
	// waited for after the last.
	Deploy []Step `json:"deploy,omitempty" jsonschema:"minItems=1"`
	// Hooks are commands before and after phases.
	Hooks Hooks `json:"hooks,omitempty"`
	// Ready adds to when the services are ready.
	Ready Ready `json:"ready"`
	// Test is the suite that runs against the deployed services.
	Test Test `json:"test"`
	// SHA256 is the hash, in hex, of the workload's file and of the
	// Dockerfiles, Kind configuration, manifests, kustomizations and charts that
	// it names. The build contexts are left out: they are large, and their revision is recorded.
	SHA256 string `json:"-"`
}

// Image is one image of the workload.
type Image struct {
	// Name is how strategies and factors call the image.
	Name string `json:"name" jsonschema:"required,pattern=^[a-zA-Z0-9][a-zA-Z0-9_-]*$"`
	// Tag is the reference that the manifests use, with its registry and its
	// tag, such as localhost/api:dev.
	Tag string `json:"tag,omitempty" jsonschema:"minLength=1"`
	// Tags are further names of the image in the cluster's nodes.
	Tags []string `json:"tags,omitempty"`
	// Context is the folder that is sent to the engine.
	Context string `json:"context,omitempty" jsonschema:"minLength=1"`
	// Dockerfile is relative to the context and inside it. Default Dockerfile.
	Dockerfile string `json:"dockerfile" jsonschema:"minLength=1,default=Dockerfile"`
	// Target is the stage that is built. Default: the last one.
	Target string `json:"target,omitempty" jsonschema:"minLength=1"`
	// Platform is the one that is built for, such as linux/amd64. Default: the
	// engine's own.
	Platform string `json:"platform,omitempty" jsonschema:"minLength=1"`
	// Secrets are files, by the id under which a step of the build mounts them:
	// RUN --mount=type=secret,id=npmrc. Their lines are in no record and no log.
	Secrets map[string]string `json:"secrets,omitempty"`
	// SSH are agents of ssh, by the id under which a step of the build mounts them:
	// RUN --mount=type=ssh, whose id is default. Each is agent, the one that
	// SSH_AUTH_SOCK names where stratbench is started, or the path of another's
	// socket, or of a key without a passphrase. Builds of Podman have none.
	SSH map[string]string `json:"ssh,omitempty"`
	// Args are build arguments.
	Args map[string]string `json:"args"`
	// Weight is the build cost relative to the other images. Default 1.
	Weight float64 `json:"weight" jsonschema:"exclusiveMinimum=0,default=1"`
}

// UserAgent stands for the agent of ssh that the user's environment names.
const UserAgent = "agent"

// Agents are the image's agents of ssh by their ids, each by its socket or key.
func (i Image) Agents() map[string]string {
	agents := maps.Clone(i.SSH)
	for id, path := range agents {
		if path == UserAgent {
			agents[id] = os.Getenv("SSH_AUTH_SOCK")
		}
	}
	return agents
}

// Ready says when services are ready: when all applied objects are, by the
// rules of kstatus, and in addition every URL answers 2xx.
type Ready struct {
	// URLs are asked until each answers 2xx.
	URLs []string `json:"urls"`
}

// Test is the suite that runs against the deployed services.
type Test struct {
	// Command is the program and its arguments.
	Command []string `json:"command" jsonschema:"required,minItems=1"`
	// Dir is the folder to run it in. Default: the workload's.
	Dir string `json:"dir" jsonschema:"minLength=1,default=."`
	// Env is added to the environment, which also has KUBECONFIG and what is the
	// trial's own: STRATBENCH_CLUSTER, STRATBENCH_CONTEXT, STRATBENCH_RUNTIME,
	// STRATBENCH_STRATEGY, the limit of each phase in seconds, such as
	// STRATBENCH_LIMIT_TEST, and for each image its tag, such as
	// STRATBENCH_TAG_SHOP_API of the image shop-api, which is known in the
	// cluster's nodes only, and its name on the engine, STRATBENCH_IMAGE_SHOP_API
	// (docker run "$STRATBENCH_IMAGE_SHOP_API").
	Env map[string]string `json:"env"`
	// Format is how results are reported: go-json (go test -json) and
	// go-verbose (go test -v) on standard output, ginkgo-json and junit in the
	// report file, and exit-code that there is nothing but the command's exit
	// code, as of one test. Default go-json.
	Format TestFormat `json:"format" jsonschema:"default=go-json"`
	// Report is the file that the command writes, for ginkgo-json and junit,
	// relative to dir; a pattern such as out/*.xml stands for several.
	Report string `json:"report"`
	// KnownFailures are tests, by their full name, whose failure does not fail
	// a trial.
	KnownFailures []string `json:"knownFailures"`
}

// TestFormat is how a suite reports its results.
type TestFormat string

// The formats of test results.
const (
	FormatGoJSON     TestFormat = "go-json"
	FormatGoVerbose  TestFormat = "go-verbose"
	FormatGinkgoJSON TestFormat = "ginkgo-json"
	FormatJUnit      TestFormat = "junit"
	FormatExitCode   TestFormat = "exit-code"
)

// inFile says whether the suite reports in a file of its own.
func (f TestFormat) inFile() bool { return f == FormatGinkgoJSON || f == FormatJUnit }

func defaultWorkload() Workload {
	return Workload{Test: Test{Dir: ".", Format: FormatGoJSON}}
}

// workloadFile is a workload: the images, how they are deployed, and the suite
// that tests them.
type workloadFile struct {
	// APIVersion is the version of the format: stratbench/v1.
	APIVersion string `json:"apiVersion" jsonschema:"required,enum=stratbench/v1"`
	Workload
}
