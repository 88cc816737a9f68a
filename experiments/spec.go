// Package experiments reads an experiment's spec: the question, its factors,
// its design, its workload. A spec is read strictly, and all its faults are
// reported at once, each with its file, line and column.
package experiments

import (
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// APIVersion is the version of the spec format.
const APIVersion = "stratbench/v1"

// Spec is an experiment as loaded: every default filled in, every level
// decoded, every path absolute.
type Spec struct {
	APIVersion  string
	Name        string
	Description string
	// Factors are what is varied, in the order of the file. The name of a
	// factor is the dotted path of the setting that it varies.
	Factors []trial.Factor
	// Settings are what every cell has in common.
	Settings Settings
	// Strategies are the user's own, by name.
	Strategies map[string]Strategy
	Design     Design
	Limits     Limits
	Workload   Workload
	// Path is the spec's file; Source its bytes as given; SHA256 their hash
	// together with the workload file's.
	Path   string
	Source []byte
	SHA256 string
}

// Settings are everything about a trial that a factor can vary. A cell is
// these settings with the cell's levels in their places.
type Settings struct {
	Runtime      trial.Runtime
	Engine       string // engine root (a suite of the lab, such as "trixie", or a folder); empty: the machine's default
	Memory       trial.Bytes
	Strategy     string
	ClusterStart trial.ClusterStart
	Build        BuildSettings
	Load         LoadSettings
}

// BuildSettings say how images are built.
type BuildSettings struct {
	NoCache bool              // default true
	Args    map[string]string // added to every image's own
}

// LoadSettings say how images come into the node.
type LoadSettings struct {
	// Together sends all images in one archive (layers shared once).
	Together bool // default true
}

// Strategy is a user's own strategy: either stages of image names, or a
// maximum concurrency.
type Strategy struct {
	Stages         [][]string
	MaxConcurrency int
}

// Design says how often and in which order.
type Design struct {
	Replicates int // blocks; default 5
	WarmUp     int // warm-up trials per runtime, first of all; default 1
	Seed       uint64
	SeedGiven  bool
}

// Limits bound a trial: per phase, and without any progress.
type Limits struct {
	Phase   map[trial.Phase]time.Duration
	Silence map[trial.Phase]time.Duration
}

// Workload is what is built, deployed and tested. It has a file of its own,
// so that experiments share it.
type Workload struct {
	Path       string // the workload's file
	Dir        string // its folder; all paths below are absolute
	Images     []Image
	KindConfig string // a user's own Kind config file, or ""
	Manifests  []string
	Ready      Ready
	Test       Test
	SHA256     string // over the workload file and what it names
}

// Image is one image of the workload.
type Image struct {
	Name       string
	Tag        string // the reference that the manifests use
	Context    string
	Dockerfile string // relative to Context
	Args       map[string]string
	Weight     float64 // relative build cost; default 1
}

// Ready says when services are ready: by kstatus rules, all applied objects,
// and in addition every URL answering 2xx.
type Ready struct {
	URLs []string
}

// Test is the suite that runs against the deployed services.
type Test struct {
	Command       []string
	Dir           string
	Env           map[string]string
	Format        string // "go-json", "ginkgo-json", "junit", "go-verbose"
	Report        string // file that the command writes, for ginkgo-json and junit
	KnownFailures []string
}
