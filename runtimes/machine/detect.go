package machine

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine/host"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
	"github.com/stratbench/stratbench/runtimes/machine/podmanmachine"
)

// Choice is the kind of machine that Detect settled on.
type Choice struct {
	Kind Kind
	// Reason says why, for people.
	Reason string
	// Engines are the user's, for the kind Host.
	Engines map[trial.Runtime]runtimes.Endpoint
}

// Found is what became of looking for the user's engines: each runtime that was
// looked for has an engine that answers, or a reason why there is none.
type Found struct {
	Engines map[trial.Runtime]runtimes.Endpoint
	Missing map[trial.Runtime]error
}

// Look looks for the user's engines.
func Look(ctx context.Context, wanted ...trial.Runtime) Found {
	f := Found{Engines: map[trial.Runtime]runtimes.Endpoint{}, Missing: map[trial.Runtime]error{}}
	for _, r := range wanted {
		e, err := host.Find(ctx, r)
		if err != nil {
			f.Missing[r] = err
			continue
		}
		f.Engines[r] = e
	}
	return f
}

// Answering are the runtimes whose engine answers, in their usual order.
func (f Found) Answering() (answering []trial.Runtime) {
	for _, r := range trial.Runtimes() {
		if _, ok := f.Engines[r]; ok {
			answering = append(answering, r)
		}
	}
	return answering
}

// Only is what was found of these runtimes.
func (f Found) Only(wanted ...trial.Runtime) Found {
	only := Found{Engines: map[trial.Runtime]runtimes.Endpoint{}, Missing: map[trial.Runtime]error{}}
	for _, r := range wanted {
		if e, ok := f.Engines[r]; ok {
			only.Engines[r] = e
		}
		if err := f.Missing[r]; err != nil {
			only.Missing[r] = err
		}
	}
	return only
}

// Mistaken returns the errors of settings that name no engine at all, such as
// a context that does not exist.
func (f Found) Mistaken() error {
	var errs []error
	for _, r := range trial.Runtimes() {
		var setting *host.SettingError
		if errors.As(f.Missing[r], &setting) {
			errs = append(errs, f.Missing[r])
		}
	}
	return errors.Join(errs...)
}

// Named returns the errors of engines that the user has named and that are not
// to be had. What the user named is final: nothing else takes its place.
func (f Found) Named() error {
	var errs []error
	for _, r := range trial.Runtimes() {
		if err := f.Missing[r]; host.Named(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Why has a line for each runtime whose engine does not answer.
func (f Found) Why() error {
	var errs []error
	for _, r := range trial.Runtimes() {
		errs = append(errs, f.Missing[r])
	}
	return errors.Join(errs...)
}

// String names the engines that answer.
func (f Found) String() string {
	var texts []string
	for _, r := range f.Answering() {
		texts = append(texts, fmt.Sprintf("%s at %s", r, f.Engines[r]))
	}
	return strings.Join(texts, ", ")
}

// Detect picks the kind of machine for these runtimes: the user's own engines
// when all of them answer; when none does, and the user named none, isolated
// machines where they can be had, or else a podman machine, for podman alone.
// When only some answer, the user has to say what is meant: then, and when
// nothing will do, the error says what can be done.
func Detect(ctx context.Context, runtimes ...trial.Runtime) (Choice, error) {
	found := Look(ctx, runtimes...)
	if len(found.Missing) == 0 {
		return Choice{Kind: Host, Reason: "the user's own engines answer: " + found.String(), Engines: found.Engines}, nil
	}
	possible := Possible()
	if err := found.Named(); err != nil {
		return Choice{}, fmt.Errorf("%w\n%s", err, ownEngines(possible))
	}
	if answering := found.Answering(); len(answering) > 0 {
		return Choice{}, fmt.Errorf("%s answers here, and the experiment needs more:\n%w\nStart what is missing, or leave it out with --as-found.\n%s", found, found.Why(), ownEngines(possible))
	}
	if possible == nil {
		return Choice{Kind: Isolated, Reason: "no engine of the user's answers, and this host can have engines of stratbench's own"}, nil
	}
	if err := podmanMachine(ctx, runtimes); err == nil {
		return Choice{Kind: PodmanMachine, Reason: "no engine answers, and podman has a machine"}, nil
	} else if runtime.GOOS != "linux" {
		return Choice{}, fmt.Errorf("no engine answers here:\n%w\npodman machine: %w", found.Why(), err)
	}
	return Choice{}, fmt.Errorf("no engine answers here:\n%w\n%s", found.Why(), ownEngines(possible))
}

// ownEngines offers engines of stratbench's own, or says why there are none.
func ownEngines(possible error) string {
	if possible == nil {
		return "Or use engines of stratbench's own, for all runtimes: --machine isolated (stratbench doctor says what that takes)."
	}
	return fmt.Sprintf("Engines of stratbench's own (--machine isolated) cannot be had: %v.", possible)
}

// Possible says why this host cannot have isolated machines; nil is that it can.
func Possible() error {
	var texts []string
	for _, c := range isolated.Missing(isolated.Checks()) {
		texts = append(texts, fmt.Sprintf("%s: %s (%s)", c.Name, c.Detail, c.Cure))
	}
	if len(texts) == 0 {
		return nil
	}
	return errors.New(strings.Join(texts, "; "))
}

func podmanMachine(ctx context.Context, runtimes []trial.Runtime) error {
	if runtime.GOOS == "linux" {
		return errors.New("podman has machines on macOS and Windows")
	}
	for _, r := range runtimes {
		if r != trial.Podman {
			return fmt.Errorf("it has no %s engine; start one, or take %s out of the spec", r, r)
		}
	}
	if _, err := exec.LookPath("podman"); err != nil {
		return fmt.Errorf("podman is not installed: %w", err)
	}
	found, err := podmanmachine.Exists(ctx, "")
	if err == nil && !found {
		err = errors.New("podman has no machine; podman machine init makes one")
	}
	return err
}
