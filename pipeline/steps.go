package pipeline

import (
	"errors"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// steps makes spans and log lines of what an engine reports of one build.
type steps struct {
	ph    *phase
	image string
	open  map[string]*openSpan
	out   *lines
	// told gives what engines print the image's name in the workload, which is
	// the same in every trial.
	told *strings.Replacer
}

func newSteps(ph *phase, image Image) *steps {
	s := &steps{ph: ph, image: image.Name, open: map[string]*openSpan{}, told: strings.NewReplacer(image.Ref, image.Tag)}
	s.out = &lines{emit: func(line string) { ph.log(image.Name, s.told.Replace(line)) }}
	return s
}

// report takes one piece of progress. It is called from one goroutine at a
// time, as the engine promises.
func (s *steps) report(p runtimes.Progress) {
	s.ph.touch()
	p.Step = s.told.Replace(p.Step)
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

// end closes a step. One that was never said to start took no time: the
// engine had it in its cache.
func (s *steps) end(p runtimes.Progress) {
	if s.open[p.Step] == nil {
		started := p.Started
		if started.IsZero() {
			started = p.Ended
		}
		s.start(runtimes.Progress{Step: p.Step, Started: started})
	}
	span := s.open[p.Step]
	delete(s.open, p.Step)
	span.span.Cached = p.Cached
	var err error
	if p.Error != "" {
		err = errors.New(p.Error)
	}
	span.endAt(p.Ended, err)
}

// close ends what the engine left open.
func (s *steps) close(err error) {
	s.out.flush()
	for _, span := range s.open {
		span.end(err)
	}
}
