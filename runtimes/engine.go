// Package runtimes says what stratbench asks of a container engine. The two
// engines live in runtimes/docker and runtimes/podman, each over its own Go
// client; enginetest holds what both must pass.
package runtimes

import (
	"context"
	"io"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// Engine is a connected container engine.
//
// Every method honours its context: on cancellation it returns promptly and
// ends what it started at the engine. Errors say what was being done and wrap
// the client's own error, whose text is never shortened: outcomes are
// classified from it. Methods may be called at the same time from several
// goroutines; parallel builds depend on that.
type Engine interface {
	// Ping answers nil when the API answers. It never uses a cached answer.
	Ping(ctx context.Context) error
	// Info describes the engine.
	Info(ctx context.Context) (Info, error)
	// Build builds one image and tags it. It calls report, from one goroutine
	// at a time, for each step that starts or ends and for each piece of output.
	Build(ctx context.Context, build Build, report func(Progress)) (ImageID, error)
	// Save streams images, with layers they share once, as a docker-archive.
	// An image may have another ID after Save and Load: Podman builds in the
	// OCI format, which a docker-archive has no place for.
	Save(ctx context.Context, refs []string, w io.Writer) error
	// Load reads a docker-archive into the engine's store.
	Load(ctx context.Context, r io.Reader) error
	// Pull fetches ref from its registry into the engine's store.
	Pull(ctx context.Context, ref string, opts Pull) (ImageID, error)
	// Push sends ref, which must be in the store, to its registry.
	Push(ctx context.Context, ref string, opts Pull) error
	// Tag gives the image ref the further name target.
	Tag(ctx context.Context, ref, target string) error
	// Image returns the ID of ref. For what is not in the store, the errors of
	// Image, Tag and Remove are ones for which IsNotFound is true.
	Image(ctx context.Context, ref string) (ImageID, error)
	// Remove removes the name ref, and the image when no name is left.
	Remove(ctx context.Context, ref string) error
	// Events streams what happens to containers and images until ctx ends or
	// the connection breaks; it then closes the channel.
	Events(ctx context.Context) (<-chan Event, error)
	// Close closes the connection. It does not stop the engine.
	Close() error
}

// ImageID is the engine's identifier of an image: "sha256:" and 64 hex digits.
type ImageID string

// Info is what an engine says of itself.
type Info struct {
	Runtime       trial.Runtime `json:"runtime"`
	Version       string        `json:"version"`
	APIVersion    string        `json:"api_version"`
	Builder       string        `json:"builder"`
	StorageDriver string        `json:"storage_driver"`
	CgroupVersion string        `json:"cgroup_version"`
	Kernel        string        `json:"kernel"`
	CPUs          int           `json:"cpus"`
	Memory        trial.Bytes   `json:"memory_bytes"`
}

// Build is one image to be built.
type Build struct {
	// Tag names the result. It should be a full name, with registry and tag:
	// Podman puts localhost/ before others, Docker docker.io/library/.
	Tag string
	// Context is the folder that is sent, without what its .dockerignore
	// excludes; Dockerfile is a path below it, "Dockerfile" when empty.
	Context    string
	Dockerfile string
	Args       map[string]string
	NoCache    bool
}

// Progress is one thing that happened in a build. Exactly one of Started,
// Ended and Output is meant: the others are zero.
type Progress struct {
	// Step names the build step as the engine prints it, for example
	// "[build 4/6] RUN go build ./cmd/server". It is unique within the build,
	// though a step that has ended may start once more. Output between steps
	// has none.
	Step string
	// Started and Ended are the moments at which the step did so, on the
	// clock of this process (monotonic). Every step that starts has ended
	// when Build returns, if need be with an Error.
	Started time.Time
	Ended   time.Time
	Cached  bool
	Error   string
	Output  []byte
}

// Pull says how to talk to a registry.
type Pull struct {
	// PlainHTTP is for a registry without TLS on this machine or its link.
	// Docker decides by its own setting insecure-registries instead.
	PlainHTTP bool
}

// Event is something the engine reports of a container or an image.
type Event struct {
	At     time.Time
	Type   string // "container" or "image"
	Action string // "start", "die", "oom", "remove", "tag", …
	Name   string
	// Attrs are the engine's own; "exitCode" is under this name for both.
	Attrs map[string]string
}
