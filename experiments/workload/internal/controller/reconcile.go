// Package controller passes the cluster's incidents through analysis into the
// datastore.
package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/stratbench/stratbench/experiments/workload/internal/api"
	"github.com/stratbench/stratbench/experiments/workload/internal/kube"
)

// Reconciler brings one incident to its end, whatever state it finds it in.
type Reconciler struct {
	Kube      *kube.Client
	Namespace string
	Upstream  *Upstream
}

// Reconcile works on the incident of this name. An error asks for another try.
func (r *Reconciler) Reconcile(ctx context.Context, name string) error {
	object, err := r.Kube.Get(ctx, r.Namespace, name)
	if errors.Is(err, kube.ErrNotFound) {
		return r.Upstream.Forget(ctx, RecordID(name))
	}
	if err != nil {
		return err
	}
	observed, err := digest(object.Data)
	if err != nil {
		return err
	}
	if settled(object, observed) {
		return nil
	}
	return r.process(ctx, &progress{kube: r.Kube, object: object, observed: observed})
}

func (r *Reconciler) process(ctx context.Context, p *progress) error {
	if err := p.enter(ctx, Investigating, nil); err != nil {
		return err
	}
	incident, err := parse(p.object.Data)
	if err != nil {
		return r.fail(ctx, p, err)
	}
	if err := p.enter(ctx, Analyzing, nil); err != nil {
		return err
	}
	verdict, err := r.Upstream.Analyse(ctx, incident)
	if err != nil {
		return err
	}
	if err := p.enter(ctx, Recording, nil); err != nil {
		return err
	}
	id := RecordID(p.object.Meta.Name)
	if err := r.Upstream.Store(ctx, id, api.Finding{Incident: incident, Verdict: verdict}); err != nil {
		return err
	}
	return p.enter(ctx, Completed, map[string]string{
		RuleKey: verdict.Rule, ActionKey: verdict.Action, RecordKey: id, MessageKey: verdict.Cause,
	})
}

// fail ends work on content that is not an incident, and removes the results of
// earlier content. There is no retry: only an edit can correct it, and the watch
// notices edits.
func (r *Reconciler) fail(ctx context.Context, p *progress, cause error) error {
	if err := r.Upstream.Forget(ctx, RecordID(p.object.Meta.Name)); err != nil {
		return err
	}
	return p.enter(ctx, Failed, map[string]string{
		RuleKey: "", ActionKey: "", RecordKey: "", MessageKey: cause.Error(),
	})
}

// progress writes the phases of one incident on its object.
type progress struct {
	kube     *kube.Client
	object   kube.ConfigMap
	observed string
	passed   []string
}

// enter writes the phase. The resource version in the patch makes an edit in
// between a conflict: a verdict is never written on content it was not made for.
func (p *progress) enter(ctx context.Context, phase Phase, also map[string]string) error {
	p.passed = append(p.passed, string(phase))
	annotations := map[string]string{
		PhaseKey:    string(phase),
		PhasesKey:   strings.Join(p.passed, ","),
		ObservedKey: p.observed,
	}
	maps.Copy(annotations, also)
	meta := p.object.Meta
	patch := kube.ConfigMap{Meta: kube.Meta{ResourceVersion: meta.ResourceVersion, Annotations: annotations}}
	merged, err := p.kube.Merge(ctx, meta.Namespace, meta.Name, patch)
	if err != nil {
		return fmt.Errorf("enter phase %s: %w", phase, err)
	}
	p.object = merged
	return nil
}
