// Package runtimes says what stratbench asks of a container engine. The two
// engines live in runtimes/docker and runtimes/podman, each over its own Go
// client; enginetest holds what both must pass.
package runtimes

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// Engine is a connected container engine.
//
// Builds, pulls and pushes are the user's: they log in to registries, and
// builds go through proxies, as the engine's own command does it, by the same
// files and variables of the environment.
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
	// Image, Tag, Remove and Untag are ones for which IsNotFound is true.
	Image(ctx context.Context, ref string) (ImageID, error)
	// Available returns nil when the engine could pull ref now, without pulling
	// it: its registry is asked.
	Available(ctx context.Context, ref string) error
	// Remove removes the name ref, and the image when no name is left. The
	// images that it was made from stay, nameless ones too.
	Remove(ctx context.Context, ref string) error
	// Untag removes the name ref, and never the image, even when no name is left.
	Untag(ctx context.Context, ref string) error
	// Contents lists what is in the engine's store, whoever put it there.
	Contents(ctx context.Context) (Contents, error)
	// Forget removes from the build cache what the builds with these IDs put
	// there, and their entries in the engine's list of builds. had are the
	// records that were in the cache before. What other builds may have put
	// there at the same time, and what is in use, stays and is returned. Where
	// the cache are images, it removes what these builds use while they run and
	// leave when they are broken off.
	Forget(ctx context.Context, builds, had []string) (left []string, err error)
	// RemoveNetwork removes a network that nothing is connected to. One that is
	// not there is no error.
	RemoveNetwork(ctx context.Context, name string) error
	// Claim makes a volume with these labels, unless there is one of that name,
	// and returns the labels of the one that is there now: of several who claim
	// a name at once, one finds its own labels.
	Claim(ctx context.Context, volume string, labels map[string]string) (map[string]string, error)
	// Release removes a volume. One that is not there is no error.
	Release(ctx context.Context, volume string) error
	// Events streams what happens to containers and images until ctx ends or
	// the connection breaks; it then closes the channel.
	Events(ctx context.Context) (<-chan Event, error)
	// Close closes the connection. It does not stop the engine.
	Close() error
}

// ImageID is the engine's identifier of an image: "sha256:" and 64 hex digits.
type ImageID string

// Contents is what is in an engine's store.
type Contents struct {
	// Images are all images: named, dangling, and those that steps of builds
	// left.
	Images     []Image  `json:"images"`
	Containers []Object `json:"containers"`
	Networks   []Object `json:"networks"`
	Volumes    []Object `json:"volumes"`
	// BuildCache are the IDs of the records of a build cache that is none of
	// the images, or of the containers in which builds work.
	BuildCache []string `json:"build_cache"`
}

// Image is an image in a store.
type Image struct {
	ID ImageID `json:"id"`
	// Names are those with a tag, and those with a digest.
	Names []string `json:"names"`
}

// Object is a container, a network or a volume.
type Object struct {
	ID     string            `json:"id"`
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
	// Networks are those that a container is connected to.
	Networks []string `json:"networks,omitempty"`
}

// Info is what an engine says of itself.
type Info struct {
	// ID tells the engine's store from all others, at whatever address it is.
	ID            string        `json:"id"`
	Runtime       trial.Runtime `json:"runtime"`
	Version       string        `json:"version"`
	APIVersion    string        `json:"api_version"`
	Builder       string        `json:"builder"`
	StorageDriver string        `json:"storage_driver"`
	CgroupVersion string        `json:"cgroup_version"`
	Kernel        string        `json:"kernel"`
	CPUs          int           `json:"cpus"`
	Memory        trial.Bytes   `json:"memory_bytes"`
	// Rootless says that the engine runs without the rights of root. Root is
	// the folder that it keeps images in, on its own host.
	Rootless bool   `json:"rootless,omitempty"`
	Root     string `json:"root,omitempty"`
	// Controllers are those of control groups by which it can limit containers.
	Controllers []string `json:"controllers,omitempty"`
}

// ErrNoAgents says that an engine's builder cannot give steps an agent of ssh.
var ErrNoAgents = errors.New("the engine gives builds no agent of ssh")

// Build is one image to be built.
type Build struct {
	// ID tells the build from all others of the engine. It may be empty.
	ID string
	// Tag names the result. It should be a full name, with registry and tag:
	// Podman puts localhost/ before others, Docker docker.io/library/.
	Tag string
	// Context is the folder that is sent, without what its .dockerignore
	// excludes; Dockerfile is a path below it, "Dockerfile" when empty.
	Context    string
	Dockerfile string
	Args       map[string]string
	// Target is the stage that is built, Platform the one that is built for; empty
	// is the last one, and the engine's own.
	Target   string
	Platform string
	// Secrets are files by the id under which a step may mount them
	// (RUN --mount=type=secret,id=…). They are no part of the image. Docker's
	// builder of before BuildKit has none.
	Secrets map[string]string
	// SSH are agents of ssh by the id under which a step may mount them (RUN
	// --mount=type=ssh,id=…): the path of a socket, or of a key without a
	// passphrase. Podman's service and Docker's builder of before BuildKit have
	// none, and refuse the build.
	SSH     map[string]string
	NoCache bool
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
	// Made is an image that the step which ends left in the store, in addition
	// to the one that the build names: its ID, or the beginning of it.
	Made ImageID
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
