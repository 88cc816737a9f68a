// Package runtimes defines what stratbench asks of a container engine (Engine), the one
// way to reach it (Endpoint, with tunnels by ssh), and its known defects (Unfit). The two
// engines are in runtimes/docker and runtimes/podman, each over its own Go
// client; enginetest holds the suite that both must pass.
package runtimes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/stratbench/stratbench/internal/trial"
)

// Engine is a connected container engine.
//
// Builds, pulls and pushes act for the user: they log in to registries, and
// builds use proxies, as the engine's own command does, from the same files and
// environment variables.
//
// Every method honours its context: when it is cancelled, the method returns
// promptly and ends what it started in the engine. Errors say what was being done
// and wrap the client's own error. That error's text is never shortened, because
// outcomes are classified from it. Methods may be called from several goroutines
// at the same time; parallel builds depend on that.
type Engine interface {
	// Info describes the engine.
	Info(ctx context.Context) (Info, error)
	// Build builds one image and tags it. It calls report, from one goroutine
	// at a time, for each step that starts or ends and for each piece of output.
	Build(ctx context.Context, build Build, report func(Progress)) (ImageID, error)
	// Save streams images as a docker-archive, which holds shared layers once.
	// An image may have another ID after Save and Load: Podman builds in the
	// OCI format, which a docker-archive cannot hold.
	Save(ctx context.Context, refs []string, w io.Writer) error
	// Load reads a docker-archive into the engine's store.
	Load(ctx context.Context, r io.Reader) error
	// Pull fetches ref from its registry into the engine's store. plainHTTP is for a
	// registry without TLS on this host or its link. Docker decides by its own
	// setting insecure-registries instead. What the engine says meanwhile is written to
	// said, as a sign of life.
	Pull(ctx context.Context, ref string, plainHTTP bool, said io.Writer) (ImageID, error)
	// Push sends ref, which must be in the store, to its registry, as Pull fetches.
	Push(ctx context.Context, ref string, plainHTTP bool, said io.Writer) error
	// Tag gives the image ref the additional name target.
	Tag(ctx context.Context, ref, target string) error
	// Image returns the ID of ref. When ref is not in the store, IsNotFound is
	// true for the errors of Image, Tag, Remove and Untag.
	Image(ctx context.Context, ref string) (ImageID, error)
	// Available asks the registry of ref whether the engine could pull ref now,
	// and returns nil if so. It pulls nothing.
	Available(ctx context.Context, ref string) error
	// Remove removes the name ref, and the image if it has no other name. Its
	// parent images stay, nameless ones too.
	Remove(ctx context.Context, ref string) error
	// Untag removes the name ref and never the image, even if it has no other name.
	Untag(ctx context.Context, ref string) error
	// Contents lists everything in the engine's store, whoever put it there.
	Contents(ctx context.Context) (Contents, error)
	// Forget removes what the builds with these IDs put into the build cache, and
	// their entries in the engine's list of builds. had are the records that were
	// in the cache before. Records that other builds may have made at the same
	// time, and records in use, stay and are returned. In an engine whose cache is
	// its images, Forget removes the working containers that cancelled builds
	// leave.
	Forget(ctx context.Context, builds, had []string) (left []string, err error)
	// Disconnect takes a container out of a network. Both are named or given by ID. It is
	// no error if it is in none, or if there is no such container or network.
	Disconnect(ctx context.Context, network, container string) error
	// RemoveNetwork removes a network that nothing is connected to. It is no
	// error if there is no such network.
	RemoveNetwork(ctx context.Context, name string) error
	// Claim creates a volume with these labels, unless one of that name exists,
	// and returns the labels of the existing one. If several claim a name at once,
	// exactly one of them finds its own labels.
	Claim(ctx context.Context, volume string, labels map[string]string) (map[string]string, error)
	// Release removes a volume. It is no error if there is no such volume.
	Release(ctx context.Context, volume string) error
	// Close closes the connection. It does not stop the engine.
	Close() error
}

// Doing puts what was being done before *err, if there is an error. Engines defer it.
func Doing(err *error, format string, args ...any) {
	if *err != nil {
		*err = fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), *err)
	}
}

// IsNotFound reports whether err says that something is not in the engine's store.
func IsNotFound(err error) bool { return errdefs.IsNotFound(err) }

// IsNotConnected reports whether err says that a container is not in a network. Both engines
// have no other sign of it than these words.
func IsNotConnected(err error) bool {
	return err != nil && strings.Contains(err.Error(), "is not connected to")
}

// IsInUse reports whether err says that a container or an image uses what is to be
// removed.
func IsInUse(err error) bool { return errdefs.IsConflict(err) }

// ImageID is the engine's identifier of an image: "sha256:" and 64 hex digits.
type ImageID string

// Contents is what is in an engine's store.
type Contents struct {
	// Images are all images: named ones, dangling ones, and those that build steps
	// left.
	Images                        []Image
	Containers, Networks, Volumes []Object
	// BuildCache are the IDs of the records in a build cache that is apart from
	// the images, or of the containers that builds work in.
	BuildCache []string
}

// Image is an image in a store.
type Image struct {
	ID ImageID
	// Names are the image's names, those with a tag and those with a digest.
	Names []string
}

// Object is a container, a network or a volume.
type Object struct {
	ID, Name string
	Labels   map[string]string
	// Networks are the networks that a container is connected to.
	Networks []string
}

// Info is how an engine describes itself.
type Info struct {
	// ID identifies the engine's store, at whatever address it is reached.
	ID            string
	Runtime       trial.Runtime
	Version       string
	APIVersion    string
	Builder       string
	StorageDriver string
	CgroupVersion string
	CPUs          int
	Memory        trial.Bytes
	// Rootless is true if the engine runs without root's rights. Root is the
	// folder of its images, on its own host.
	Rootless bool
	Root     string
	// Controllers are the cgroup controllers by which it can limit containers.
	Controllers []string
}

// ErrNoAgents is the error of a build that needs an ssh agent, which the engine's
// builder cannot offer.
var ErrNoAgents = errors.New("the engine gives builds no ssh agent")

// Build is one image to be built.
type Build struct {
	// ID identifies the build among all builds of the engine. It may be empty.
	ID string
	// Sender is whose folders are sent. An engine keeps what it was sent, and gets only
	// changes from the same sender; a build that is stopped while it sends loses that.
	Sender string
	// Tag names the result. It should be a full name, with registry and tag:
	// Podman puts localhost/ before other names, Docker docker.io/library/. Without
	// one the result stays in the build cache, for later builds, and has an ID only
	// where that cache is the engine's images.
	Tag string
	// Context is the folder that is sent, without what is excluded by the ignore file
	// that the engine's own command would read; Dockerfile is a path below it,
	// "Dockerfile" if empty.
	Context    string
	Dockerfile string
	// Contexts are further contexts, by the names by which FROM, COPY --from and mounts
	// use them: folders by their absolute paths, and images after
	// trial.ImageContextPrefix. Podman before 5.6 looks for the folders on its own
	// host. See NoContext.
	Contexts map[string]string
	Args     map[string]string
	// Target is the stage to build, by default the last one; Platform is the
	// platform to build for, by default the engine's own.
	Target   string
	Platform string
	// Secrets are files by the id under which a step may mount them
	// (RUN --mount=type=secret,id=…). SecretTexts are those that are in no file. They
	// do not become part of the image.
	Secrets     map[string]string
	SecretTexts map[string]string
	// SSH are ssh agents by the id under which a step may mount them (RUN
	// --mount=type=ssh,id=…): the path of a socket, or of a key without a
	// passphrase. Podman's service offers builds no agents and refuses the build.
	SSH     map[string]string
	NoCache bool
	// CacheFrom and CacheTo are repositories, such as host:port/cache/api, of a
	// registry that the engine knows as one without TLS. From CacheFrom the build
	// imports the cache that another build exported there, unless NoCache is set;
	// without one there, Docker fails and Podman builds. To CacheTo it exports its own,
	// in steps called trial.ExportStep. Either may leave names of that registry in the
	// store. Podman has both since version 4.3.
	CacheFrom string
	CacheTo   string
}

// String names the build in messages.
func (b Build) String() string {
	if b.Tag == "" {
		return fmt.Sprintf("the stage %s of %s", b.Target, b.Context)
	}
	return "image " + b.Tag
}

// ReadSecrets returns all secrets of the build by their ids.
func (b Build) ReadSecrets() (map[string][]byte, error) {
	all := map[string][]byte{}
	for id, path := range b.Secrets {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading the build's secret %s: %w", id, err)
		}
		all[id] = text
	}
	for id, text := range b.SecretTexts {
		all[id] = []byte(text)
	}
	return all, nil
}

// Progress is one thing that happened in a build. It sets exactly one of Started,
// Ended and Output.
type Progress struct {
	// Step names the build step as the engine prints it, for example
	// "[build 4/6] RUN go build ./cmd/server". It is unique within the build,
	// though a step that has ended may start again. Output between steps has no
	// step.
	Step string
	// Started and Ended are when the step did so, on the monotonic clock of this
	// process. Every step that starts has ended when Build returns, if necessary
	// with an Error.
	Started time.Time
	Ended   time.Time
	Cached  bool
	Error   string
	Output  []byte
	// Made is an image that the ended step left in the store besides the one that
	// the build names: its ID, or the beginning of its ID.
	Made ImageID
}
