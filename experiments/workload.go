package experiments

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
	// Context is the folder that is sent to the engine.
	Context string `json:"context,omitempty" jsonschema:"minLength=1"`
	// Dockerfile is relative to the context and inside it. Default Dockerfile.
	Dockerfile string `json:"dockerfile" jsonschema:"minLength=1,default=Dockerfile"`
	// Args are build arguments.
	Args map[string]string `json:"args"`
	// Weight is the build cost relative to the other images. Default 1.
	Weight float64 `json:"weight" jsonschema:"exclusiveMinimum=0,default=1"`
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
	// Env is added to the environment, which also has KUBECONFIG and the names
	// that are the trial's own: STRATBENCH_CLUSTER, and for each image its name
	// on the engine, such as STRATBENCH_IMAGE_SHOP_API of the image shop-api
	// (docker run "$STRATBENCH_IMAGE_SHOP_API"). The workload's tags are known
	// in the cluster's nodes only.
	Env map[string]string `json:"env"`
	// Format is how results are reported: go-json (go test -json) and
	// go-verbose (go test -v) on standard output, ginkgo-json and junit in the
	// report file. Default go-json.
	Format TestFormat `json:"format" jsonschema:"default=go-json"`
	// Report is the file that the command writes, for ginkgo-json and junit,
	// relative to dir.
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
