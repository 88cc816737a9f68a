package pipeline

import (
	"errors"
	"fmt"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/strategies"
)

// PhaseError is what ended a trial, and where. Phase is empty when the trial
// could not be started at all: an error of stratbench or of its input, and no
// outcome of the system under test.
type PhaseError struct {
	Phase trial.Phase
	Image string
	Err   error
}

func (e *PhaseError) Error() string {
	switch {
	case e.Phase == "":
		return "preparing the trial: " + e.Err.Error()
	case e.Image == "":
		return string(e.Phase) + ": " + e.Err.Error()
	}
	return fmt.Sprintf("%s %s: %v", e.Phase, e.Image, e.Err)
}

// Unwrap returns what went wrong.
func (e *PhaseError) Unwrap() error { return e.Err }

// LimitError says that a phase took longer than its limit. Err is what the
// phase had to say when it was ended, or nil.
type LimitError struct {
	Phase trial.Phase
	Limit time.Duration
	Err   error
}

func (e *LimitError) Error() string {
	return withDetail(fmt.Sprintf("not done within its limit of %s", e.Limit), e.Err)
}

// Unwrap returns what the phase had to say.
func (e *LimitError) Unwrap() error { return e.Err }

// SilenceError says that nothing happened in a phase for too long.
type SilenceError struct {
	Phase   trial.Phase
	Silence time.Duration
	Err     error
}

func (e *SilenceError) Error() string {
	return withDetail(fmt.Sprintf("nothing happened for %s", e.Silence), e.Err)
}

// Unwrap returns what the phase had to say.
func (e *SilenceError) Unwrap() error { return e.Err }

func withDetail(text string, err error) string {
	if err == nil {
		return text
	}
	return text + ": " + err.Error()
}

// timedOut is true of an error that a limit of the spec caused.
func timedOut(err error) bool {
	var limit *LimitError
	var silence *SilenceError
	return errors.As(err, &limit) || errors.As(err, &silence)
}

// inPhase gives err its phase, and the image if one is known.
func inPhase(p trial.Phase, err error) error {
	var located *PhaseError
	if err == nil || errors.As(err, &located) {
		return err
	}
	located = &PhaseError{Phase: p, Err: err}
	var image *strategies.ImageError
	if errors.As(err, &image) {
		located.Image = image.Image
	}
	return located
}
