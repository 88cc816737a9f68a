package machine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine/host"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
	"github.com/stratbench/stratbench/runtimes/machine/podmanmachine"
)

// Choice is the type of machine that Detect chose.
type Choice struct {
	Kind Kind
	// Reason is why, in words.
	Reason string
	// Engines are the user's engines, for the type Host.
	Engines map[trial.Runtime]runtimes.Endpoint
}

// Found is the result of looking for the user's engines: for each runtime an engine that
// answers, or the reason why there is none.
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

// Answering returns the runtimes whose engine answers, in their usual order.
func (f Found) Answering() (answering []trial.Runtime) {
	for _, r := range trial.Runtimes() {
		if _, ok := f.Engines[r]; ok {
			answering = append(answering, r)
		}
	}
	return answering
}

// Only returns the result for these runtimes alone.
func (f Found) Only(wanted ...trial.Runtime) Found {
	only := Found{Engines: maps.Clone(f.Engines), Missing: maps.Clone(f.Missing)}
	maps.DeleteFunc(only.Engines, func(r trial.Runtime, _ runtimes.Endpoint) bool { return !slices.Contains(wanted, r) })
	maps.DeleteFunc(only.Missing, func(r trial.Runtime, _ error) bool { return !slices.Contains(wanted, r) })
	return only
}

// Mistaken returns the errors of settings that name no engine at all, such as a context
// that does not exist.
func (f Found) Mistaken() error {
	return f.why(func(err error) bool {
		_, is := errors.AsType[*host.SettingError](err)
		return is
	})
}

// Named returns the errors of engines that the user has named and that cannot be used. No
// other engine takes the place of one that the user has named.
func (f Found) Named() error { return f.why(host.Named) }

// Why has a line for each runtime whose engine does not answer.
func (f Found) Why() error { return f.why(func(error) bool { return true }) }

func (f Found) why(is func(error) bool) error {
	var errs []error
	for _, r := range trial.Runtimes() {
		if err := f.Missing[r]; err != nil && is(err) {
			errs = append(errs, err)
		}
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

// Detect chooses the type of machine for these runtimes: the user's own engines if all of
// them answer; if none does, and the user has named none, isolated machines if this host
// can have them, or else a podman machine, for podman alone. If only some engines answer,
// the user must decide: then, and if nothing is possible, the error says what to do.
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

// ownEngines offers engines of stratbench's own, or returns why this host cannot have
// them.
func ownEngines(possible error) string {
	if possible == nil {
		return "Or use engines of stratbench's own, for all runtimes: --machine isolated (stratbench doctor shows what they need)."
	}
	return fmt.Sprintf("Engines of stratbench's own (--machine isolated) are not possible here: %v.", possible)
}

// Possible returns why this host cannot have isolated machines, or nil if it can.
func Possible() error {
	var texts []string
	for _, c := range isolated.Checks().Missing() {
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
			return fmt.Errorf("it has no %s engine; start one, or remove %s from the spec", r, r)
		}
	}
	if _, err := exec.LookPath("podman"); err != nil {
		return fmt.Errorf("podman is not installed: %w; install it, and make a machine: podman machine init", err)
	}
	return podmanmachine.Exists(ctx)
}
