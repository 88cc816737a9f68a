package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/deploy"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/strategies"
)

// build is the phase build: it builds or pulls every image of the workload into the
// engine's store, as the strategy says, after the stages that images have in common.
// Images that the nodes pull themselves are left to the phase load.
func (t *run) build(ctx context.Context, ph *phase) error {
	if t.cfg.nodePull() {
		for _, image := range t.cfg.Images {
			t.obtained(image, "")
		}
		return nil
	}
	for _, stage := range t.cfg.Common {
		err := ph.within(trial.CommonStage+stage.Target, "", "", func() error {
			_, err := t.buildImage(ctx, ph, stage)
			return err
		})
		if err != nil {
			return err
		}
	}
	verb, obtain := "build ", t.makeImage
	switch {
	case t.cfg.Task == Publish:
		verb = "publish "
	case t.cfg.Schedule.Pull:
		verb, obtain = "pull ", t.pullImage
	}
	runner := strategies.Runner{Gauge: t.gauge, Notify: func(n strategies.Notice) { t.noticed(ph, n) }}
	return runner.Run(ctx, t.cfg.Schedule, func(ctx context.Context, name string) error {
		image := t.images[name]
		if t.kept(ctx, ph, image) {
			return nil
		}
		return ph.within(verb+name, name, "", func() error {
			id, err := obtain(ctx, ph, image)
			if err == nil {
				t.obtained(image, id)
			} else if errors.Is(context.Cause(ctx), strategies.ErrBackedOff) {
				err = fmt.Errorf("%w (%w)", strategies.ErrBackedOff, err)
			}
			if err != nil || t.cfg.Task != Publish {
				return err
			}
			return ph.within("push", image.Name, "push", func() error {
				return t.engine.Push(ctx, image.Ref, t.cfg.RegistryPlainHTTP, touching{ph})
			})
		})
	})
}

// noticed reports a decision of an adaptive schedule. Decisions that the machine
// forced on it are evidence.
func (t *run) noticed(ph *phase, n strategies.Notice) {
	text := strings.TrimSpace(string(n.Kind)+" "+n.Image) + ": " + n.Text
	if n.Kind == strategies.Admitted {
		ph.log(n.Image, text)
		return
	}
	seen := trial.Evidence{Source: trial.SourceMemory, State: trial.StateNoted, Text: text, At: t.rec.clock.Elapsed(), Rule: trial.RuleAdmission}
	if n.Kind == strategies.BackedOff {
		seen.State, seen.Detail, seen.Text = trial.StateBackedOff, n.Image, n.Text
	}
	ph.log("", text)
	t.rec.emit(Event{Phase: ph.name, Seen: &seen})
}

// kept reports whether the image had been finished before the engine was lost.
func (t *run) kept(ctx context.Context, ph *phase, image Image) bool {
	if t.cfg.Again == nil {
		return false
	}
	id, err := t.engine.Image(ctx, image.Ref)
	if err != nil {
		return false // it is built again, and a real failure shows there
	}
	ph.log(image.Name, "the engine still has "+image.Tag+", finished before it was lost")
	t.obtained(image, id)
	return true
}

// obtained records an image that is in the engine's store.
func (t *run) obtained(image Image, id runtimes.ImageID) {
	built := BuiltImage{Name: image.Name, Ref: image.Tag, ID: id}
	t.set(func(r *Result) { r.Images = append(r.Images, built) })
	t.built <- image
}

// makeImage builds an image from its Dockerfile, or by its command.
func (t *run) makeImage(ctx context.Context, ph *phase, image Image) (runtimes.ImageID, error) {
	if len(image.Command) == 0 {
		return t.buildImage(ctx, ph, image)
	}
	env := map[string]string{}
	maps.Copy(env, image.Env)
	env["STRATBENCH_IMAGE"] = image.Ref
	if err := t.command(ctx, ph, image.Name, deploy.Command{Args: image.Command, Dir: image.Dir, Env: env}); err != nil {
		return "", err
	}
	id, err := t.engine.Image(ctx, image.Ref)
	if runtimes.IsNotFound(err) {
		err = fmt.Errorf("%s succeeded, and the engine has no image %s; have the command give the image that name, which it gets as STRATBENCH_IMAGE", image.Command[0], image.Ref)
	}
	ph.made(id)
	return id, err
}

func (t *run) buildImage(ctx context.Context, ph *phase, image Image) (runtimes.ImageID, error) {
	steps := &steps{ph: ph, image: image.Name, open: map[string]*openSpan{}, renamed: strings.NewReplacer(image.Ref, image.Tag)}
	steps.out = &lines{emit: func(line string) { ph.log(image.Name, steps.renamed.Replace(line)) }}
	// If images have stages in common, only those run every step again: the images find
	// them in the cache, as a set-up that goes on finds what it has done.
	again := len(t.cfg.Common) == 0 || image.Ref == "" && t.cfg.Again == nil
	id, err := t.engine.Build(ctx, runtimes.Build{
		ID:          t.buildID(image),
		Sender:      t.cfg.Sender,
		Tag:         image.Ref,
		Context:     image.Context,
		Dockerfile:  image.Dockerfile,
		Contexts:    image.Contexts,
		Target:      image.Target,
		Platform:    image.Platform,
		Args:        image.Args,
		Secrets:     image.Secrets,
		SecretTexts: image.SecretTexts,
		SSH:         image.SSH,
		NoCache:     t.cfg.Settings.Build.NoCache && again,
		CacheFrom:   image.cacheIn(t.cfg.CacheFrom),
		CacheTo:     image.cacheIn(t.cfg.CacheTo),
	}, steps.report)
	steps.close(err)
	ph.made(id)
	if err == nil && t.cfg.Warm() && steps.worked && !steps.found {
		err = &kindcluster.InvalidError{Err: fmt.Errorf("the build cache of %s is warm, and no step came from it: what is copied, or an argument, differs from one build to the next; make both the same in each, or use build.cacheStart: cold", image.Name)}
	}
	return id, err
}

// cacheIn is the image's own cache among those at a place, or empty. A common stage has
// none: its steps are in those of the images.
func (i Image) cacheIn(place string) string {
	if place == "" || i.Ref == "" {
		return ""
	}
	return place + "/" + strings.ToLower(i.Name)
}

// buildID is an identifier that the engine has not seen: an image whose build was
// stopped for want of memory, or was lost with the engine, is built once more.
func (t *run) buildID(image Image) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.builds == nil {
		t.builds = map[string]int{}
	}
	t.builds[image.Build]++
	switch n := t.builds[image.Build]; {
	case n > 1:
		return image.BuildAgain()
	case t.cfg.Again != nil:
		return image.Build + "-after"
	}
	return image.Build
}

// BuildAgain is the identifier of an image's second build in one set-up.
func (i Image) BuildAgain() string { return i.Build + "-again" }

// pullImage pulls an image that was pushed beforehand.
func (t *run) pullImage(ctx context.Context, ph *phase, image Image) (id runtimes.ImageID, err error) {
	err = ph.within("pull", image.Name, "pull", func() error {
		id, err = t.engine.Pull(ctx, image.Ref, t.cfg.RegistryPlainHTTP, touching{ph})
		return err
	})
	ph.made(id)
	return id, err
}

// steps turns what an engine reports about one build into spans and log lines.
type steps struct {
	ph    *phase
	image string
	open  map[string]*openSpan
	out   *lines
	// renamed replaces the image's name on the engine by its name in the workload,
	// which is the same in every trial.
	renamed *strings.Replacer
	// worked is set once a step has run that a cache could have had, found once one came
	// from a cache.
	worked, found bool
}

// cacheable matches the names of steps whose results fill a cache, as both engines name
// them: "[build 4/6] RUN make", "[1/2] STEP 4/6: RUN make".
var cacheable = regexp.MustCompile(`^(?:\[[^\]]*\] )?(?:STEP \d+/\d+: )?(?i:RUN|COPY|ADD) `)

// report takes one piece of progress. The engine calls it from one goroutine at a
// time.
func (s *steps) report(p runtimes.Progress) {
	s.ph.touch()
	p.Step = s.renamed.Replace(p.Step)
	s.ph.made(p.Made)
	switch {
	case !p.Ended.IsZero():
		s.end(p)
	case !p.Started.IsZero():
		s.start(p)
	default:
		_, _ = s.out.Write(p.Output)
	}
}

func (s *steps) start(p runtimes.Progress) {
	if s.open[p.Step] != nil {
		return
	}
	s.ph.log(s.image, p.Step)
	s.open[p.Step] = s.ph.rec.startAt(trial.Span{Name: p.Step, Phase: s.ph.name, Image: s.image, Step: p.Step}, p.Started)
}

// end closes a step. A step whose start was never reported took no time: the engine
// had it in its cache.
func (s *steps) end(p runtimes.Progress) {
	if p.Started.IsZero() {
		p.Started = p.Ended
	}
	s.start(p)
	span := s.open[p.Step]
	delete(s.open, p.Step)
	span.span.Cached = p.Cached
	if cacheable.MatchString(p.Step) {
		s.worked, s.found = s.worked || !p.Cached, s.found || p.Cached
	}
	var err error
	if p.Error != "" {
		err = errors.New(p.Error)
	}
	span.endAt(p.Ended, err)
}

// close ends the steps that the engine left open.
func (s *steps) close(err error) {
	s.out.flush()
	for _, span := range s.open {
		span.end(err)
	}
}
