package docker

import (
	"context"
	"errors"
	"io"
	"regexp"
	"strconv"

	"github.com/docker/docker/api/types/build"

	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/internal/buildcontext"
	"github.com/stratbench/stratbench/runtimes/internal/buildlog"
)

// buildClassic builds with the builder that engines had before BuildKit.
func (e *Engine) buildClassic(ctx context.Context, b runtimes.Build, report func(runtimes.Progress)) (_ runtimes.ImageID, err error) {
	if len(b.SSH) > 0 {
		return "", runtimes.ErrNoAgents
	}
	steps := buildlog.NewSteps(report, new(classicLines).read)
	defer func() { steps.Close(err) }()
	dockerfile := buildcontext.Dockerfile(b.Dockerfile)
	sent, err := buildcontext.Tar(b.Context, dockerfile, ".dockerignore")
	if err != nil {
		return "", err
	}
	defer sent.Close()
	user, err := userConfig()
	if err != nil {
		return "", err
	}
	auths, err := logins(user)
	if err != nil {
		return "", err
	}
	answer, err := e.api.ImageBuild(ctx, sent, build.ImageBuildOptions{
		Version:     build.BuilderV1,
		Tags:        []string{b.Tag},
		Dockerfile:  dockerfile,
		AuthConfigs: auths,
		BuildArgs:   e.buildArgs(user, b.Args),
		NoCache:     b.NoCache,
		Target:      b.Target,
		Platform:    b.Platform,
		Remove:      true,
		ForceRemove: true,
	})
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	return readClassic(ctx, answer.Body, steps)
}

func readClassic(ctx context.Context, answer io.Reader, steps *buildlog.Steps) (runtimes.ImageID, error) {
	var id string
	err := buildlog.Read(answer, func(m buildlog.Message) {
		if m.ID != "" {
			id = m.ID
		}
		steps.Write([]byte(m.Stream))
	})
	switch {
	case err != nil:
		return "", err
	case ctx.Err() != nil:
		return "", ctx.Err()
	case id == "":
		return "", errors.New("the engine ended the build without naming an image")
	}
	return runtimes.ImageID(id), nil
}

// pointers gives build arguments the shape in which a missing value differs
// from an empty one. None of ours is missing.
func pointers(args map[string]string) map[string]*string {
	out := make(map[string]*string, len(args))
	for name, value := range args {
		out[name] = &value
	}
	return out
}

var (
	classicStep   = regexp.MustCompile(`^Step (\d+)/(\d+) : `)
	classicCached = regexp.MustCompile(`^ ---> Using cache$`)
	classicLayer  = regexp.MustCompile(`^ ---> ([0-9a-f]{12})$`)
)

// classicLines finds the steps in what the classic builder prints. Steps are
// counted, so that a command's own output does not pass for one.
type classicLines struct {
	step  int
	total string
	// cached says that the open step's image, which is named next, was there.
	cached bool
}

func (c *classicLines) read(line string) (buildlog.Mark, string) {
	if m := classicStep.FindStringSubmatch(line); m != nil && c.next(m[1], m[2]) {
		return buildlog.Start, line
	}
	if classicCached.MatchString(line) {
		c.cached = true
		return buildlog.Cached, ""
	}
	if m := classicLayer.FindStringSubmatch(line); m != nil {
		if c.cached {
			return buildlog.End, ""
		}
		return buildlog.End, m[1]
	}
	return buildlog.None, ""
}

func (c *classicLines) next(step, total string) bool {
	n, err := strconv.Atoi(step)
	if err != nil || n != c.step+1 || c.total != "" && c.total != total {
		return false
	}
	c.step, c.total, c.cached = n, total, false
	return true
}
