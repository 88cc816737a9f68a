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

// Detect picks the kind of machine for these runtimes: the user's own engines
// when all of them answer; else isolated machines, where they can be had; else
// a podman machine, for podman alone. When none will do, the error says what
// to do about each.
func Detect(ctx context.Context, runtimes ...trial.Runtime) (Choice, error) {
	engines, hostErr := Engines(ctx, runtimes...)
	if hostErr == nil {
		return Choice{Kind: Host, Reason: "the user's own engines answer: " + sources(runtimes, engines), Engines: engines}, nil
	}
	isolatedErr := Possible()
	if isolatedErr == nil {
		return Choice{Kind: Isolated, Reason: "not all of the user's own engines answer, and this host can have isolated machines"}, nil
	}
	podmanErr := podmanMachine(ctx, runtimes)
	if podmanErr == nil {
		return Choice{Kind: PodmanMachine, Reason: "podman has a machine"}, nil
	}
	return Choice{}, fmt.Errorf("no kind of machine will do: %w", errors.Join(
		fmt.Errorf("host: %w", hostErr),
		fmt.Errorf("isolated: %w", isolatedErr),
		fmt.Errorf("podman-machine: %w", podmanErr)))
}

// Engines finds the user's own engines, all of them or an error.
func Engines(ctx context.Context, wanted ...trial.Runtime) (map[trial.Runtime]runtimes.Endpoint, error) {
	engines := map[trial.Runtime]runtimes.Endpoint{}
	for _, r := range wanted {
		e, err := host.Find(ctx, r)
		if err != nil {
			return nil, err
		}
		engines[r] = e
	}
	return engines, nil
}

func sources(runtimes []trial.Runtime, engines map[trial.Runtime]runtimes.Endpoint) string {
	var texts []string
	for _, r := range runtimes {
		texts = append(texts, fmt.Sprintf("%s at %s", r, engines[r]))
	}
	return strings.Join(texts, ", ")
}

// Possible says why this host cannot have isolated machines; nil is that it can.
func Possible() error {
	missing := isolated.Missing(isolated.Checks())
	if len(missing) == 0 {
		return nil
	}
	var texts []string
	for _, c := range missing {
		texts = append(texts, fmt.Sprintf("%s: %s (%s)", c.Name, c.Detail, c.Cure))
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
