package run

import (
	"fmt"

	"github.com/stratbench/stratbench/experiments/run/inject"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// injection is the fault that the trial's settings name, if any. A preparation is
// never broken, and a trial only once.
func (x *execution) injection() (spec.Injection, bool) {
	if x.preparing() || x.again() || !x.settings.Broken() {
		return spec.Injection{}, false
	}
	return x.spec.Fault(x.settings.Fault), true
}

func (x *execution) prepareFault(m machine.Machine, cfg *pipeline.Config) (err error) {
	fault, ok := x.injection()
	if !ok {
		return nil
	}
	x.fault, err = inject.New(inject.Config{
		Name: x.settings.Fault, Fault: fault, Machine: m, Cluster: cfg.ClusterName, Attempt: x.record.Attempt,
		Elapsed: x.clock.Elapsed, Say: func(at trial.Seconds, text string) { x.log.line(at, "fault", text) },
	})
	if err != nil {
		return err
	}
	x.log.line(x.clock.Elapsed(), "fault", fmt.Sprintf("this trial is broken on purpose: %s; its true outcome is %v", x.settings.Fault, fault.Truth.Outcomes))
	return inject.Adapt(cfg, fault, x.workload.Dir)
}

// checkFault reports why a cell's fault cannot be injected. Whatever the spec and
// the command line ask for, only an isolated machine is ever broken.
func (r *runner) checkFault(c resolved) error {
	s := c.settings
	if !s.Broken() {
		return nil
	}
	switch fault := c.spec.Fault(s.Fault); {
	case r.places[s.Runtime].kind() != machine.Isolated:
		return fmt.Errorf("fault %s: only isolated machines may be broken, and the machine is %s", s.Fault, r.places[s.Runtime].kind())
	case fault.Do.OfContainerd() && s.Runtime != trial.Docker:
		return pointless("fault", "runtime", "fault %s: %s has no containerd", s.Fault, s.Runtime)
	case fault.Do.OfRegistry() && s.Load.Path == trial.LoadNodePull:
		return fmt.Errorf("fault %s: it is one of the engine's pulls; write load.path: archive", s.Fault)
	case fault.Do.OfRegistry() && (!c.strategy.Pull || s.Registry.Prefix != ""):
		return fmt.Errorf("fault %s: it needs a strategy that pulls from a registry of stratbench's; write strategy: registry", s.Fault)
	case fault.Do == spec.PodNeverReady && fault.Manifest == "":
		return fmt.Errorf("fault %s: it needs a manifest; name one under faults", s.Fault)
	}
	return nil
}

// endFault ends the fault and records what was done.
func (x *execution) endFault() {
	if x.fault == nil {
		return
	}
	done := x.fault.Stop()
	x.record.Fault = &done
	e := trial.Evidence{Source: trial.SourceFault, State: trial.StateInjected, Detail: done.Name, Text: done.What}
	if done.At != nil {
		e.At = *done.At
	} else {
		e.State, e.Text = trial.StateNotInjected, "its moment never came"
	}
	x.record.Observed = append(x.record.Observed, e)
}
