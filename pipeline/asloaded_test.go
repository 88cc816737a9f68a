package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/deploy"
)

// object is an object of a kind; a workload has a container with the image.
func object(apiVersion, kind, name, image string) deploy.Object {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": name}}}
	if image != "" {
		u.Object["spec"] = map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "a", "image": image}}}}}
	}
	return deploy.Object{Unstructured: u}
}

// besideTheLoad is a run whose images are loaded by arrive, after a minute each.
func besideTheLoad(limit time.Duration) (r *run, trace *Trace, arrive func(names ...[]string)) {
	r, trace = newRun(Config{Settings: spec.Settings{Deploy: spec.DeploySettings{When: trial.DeployAsLoaded}}, Limits: limits(trial.PhaseDeploy, limit), Preload: []Archive{{Names: []string{"postgres:16"}}},
		Images: []Image{{Image: spec.Image{Name: "store", Tag: "localhost/store:e2e", Tags: []string{"shop.test/store"}}}, {Image: spec.Image{Name: "till", Tag: "localhost/till:e2e"}}}})
	r.loaded, r.absent = make(chan []string, 3), r.cfg.loads()
	return r, trace, func(names ...[]string) {
		for _, arrived := range names {
			time.Sleep(time.Minute)
			r.arrived(arrived...)
		}
	}
}

func TestObjectsAreAppliedAsTheirImagesAreLoaded(t *testing.T) {
	objects := []deploy.Object{
		object("v1", "Namespace", "shop", ""), object("apps/v1", "Deployment", "store", "shop.test/store:latest"), object("v1", "Service", "store", ""),
		object("apps/v1", "Deployment", "till", "localhost/till:e2e"), object("apps/v1", "Deployment", "other", "busybox"),
		object("apps/v1", "StatefulSet", "db", "docker.io/library/postgres:16"),
		object("v1", "ConfigMap", "images", "localhost/till:e2e"), object("batch/v1", "Job", "seed", "busybox"),
		object("shop.test/v1", "Cart", "own", ""), object("v1", "ConfigMap", "last", ""),
	}
	synctest.Test(t, func(t *testing.T) {
		r, trace, arrive := besideTheLoad(30 * time.Second)
		go arrive([]string{"postgres:16"}, []string{"localhost/till:e2e"}, []string{"localhost/store:e2e", "shop.test/store"})
		began := time.Now()
		var got []string
		err := r.runPhase(t.Context(), trial.PhaseDeploy, func(ctx context.Context, ph *phase) error {
			return r.apply(ctx, ph, objects, func(some []deploy.Object) error {
				for _, o := range some {
					got = append(got, time.Since(began).String()+" "+o.GetName())
				}
				return nil
			})
		})
		want := []string{"0s shop", "0s store", "0s other", "0s images", "1m0s db", "2m0s till", "3m0s store", "3m0s seed", "3m0s own", "3m0s last"}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %q, %v", got, err)
		}
		var waits int
		for _, s := range trace.Spans(0) {
			if s.Name == "wait for an image" && s.Length() == trial.Seconds(time.Minute) {
				waits++
			}
		}
		if waits != 3 {
			t.Errorf("%d waits are spans: %+v", waits, trace.Spans(0))
		}
	})
}

// An operator that is held may make the namespace of an object.
func TestAnObjectInANamespaceOfAnOperatorKeepsItsPlace(t *testing.T) {
	in := func(namespace string, o deploy.Object) deploy.Object {
		o.SetNamespace(namespace)
		return o
	}
	objects := []deploy.Object{
		object("apps/v1", "Deployment", "operator", "localhost/store:e2e"), in("shop", object("v1", "ConfigMap", "own", "")),
		in("tills", object("v1", "ConfigMap", "made", "")), object("v1", "ConfigMap", "last", ""),
	}
	synctest.Test(t, func(t *testing.T) {
		r, _, arrive := besideTheLoad(30 * time.Second)
		r.cfg.Deploy = []deploy.Step{{Objects: []deploy.Object{object("v1", "Namespace", "shop", "")}}, {Objects: objects}}
		go arrive([]string{"localhost/store:e2e"})
		began := time.Now()
		var got []string
		err := r.runPhase(t.Context(), trial.PhaseDeploy, func(ctx context.Context, ph *phase) error {
			return r.apply(ctx, ph, objects, func(some []deploy.Object) error {
				for _, o := range some {
					got = append(got, time.Since(began).String()+" "+o.GetName())
				}
				return nil
			})
		})
		if want := []string{"0s own", "1m0s operator", "1m0s made", "1m0s last"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestACommandRunsWhenAllImagesAreLoaded(t *testing.T) {
	r, trace, _ := besideTheLoad(time.Minute)
	r.cfg.ClusterName = "c"
	close(r.loaded)
	err := r.runPhase(t.Context(), trial.PhaseDeploy, func(ctx context.Context, ph *phase) error {
		return r.doStep(ctx, ph, nil, deploy.Step{Command: &deploy.Command{Args: []string{"true"}}})
	})
	if err != nil || len(r.absent) > 0 || len(trace.Spans(0)) != 2 {
		t.Errorf("got %v, absent %v, %+v", err, r.absent, trace.Spans(0))
	}
}

func TestADeploymentThatWaitsEndsWithTheBuilds(t *testing.T) {
	r, trace, _ := besideTheLoad(time.Minute)
	broken := errors.New("exit code 1")
	both := together(
		r.phase(trial.PhaseBuild, func(context.Context, *phase) error { return broken }),
		r.phase(trial.PhaseDeploy, func(ctx context.Context, ph *phase) error {
			return r.apply(ctx, ph, []deploy.Object{object("apps/v1", "Deployment", "store", "localhost/store:e2e")}, func(some []deploy.Object) error {
				if len(some) > 0 {
					t.Error("a workload was applied before its image was built")
				}
				return nil
			})
		}))
	var at *PhaseError
	if err := both(t.Context()); !errors.As(err, &at) || at.Phase != trial.PhaseBuild || !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	for _, s := range trace.Spans(0) {
		if s.Name == "deploy" && !strings.Contains(s.Error, "beside it") {
			t.Errorf("the deployment's span says %q", s.Error)
		}
	}
}

// All phases that run beside each other are told to end. The error names the one that was
// at work.
func TestATrialThatIsEndedWasAtWorkAndNotWaiting(t *testing.T) {
	r, _, _ := besideTheLoad(time.Minute)
	r.cfg.Settings.Load.When = trial.LoadAsBuilt
	r.cfg.Preload = nil
	ctx, cancel := context.WithCancelCause(t.Context())
	both := together(
		r.phase(trial.PhaseBuild, func(ctx context.Context, _ *phase) error {
			cancel(errors.New("the watch ended it"))
			<-ctx.Done()
			time.Sleep(100 * time.Millisecond) // the engine's client needs its time
			return ctx.Err()
		}),
		r.phase(trial.PhaseLoad, r.load))
	var at *PhaseError
	if err := both(ctx); !errors.As(err, &at) || at.Phase != trial.PhaseBuild {
		t.Errorf("got %v", err)
	}
}

// When a worker is killed, a deployment that waits for a build is not the phase that it
// was killed in.
func TestWhatRunsBesideADeployment(t *testing.T) {
	_, trace := newRun(Config{})
	rec := &recorder{clock: NewClock(0), report: trace.Add}
	rec.start(trial.Span{Name: "build", Phase: trial.PhaseBuild})
	time.Sleep(time.Millisecond)
	rec.start(trial.Span{Name: "deploy", Phase: trial.PhaseDeploy})
	if trace.Running(true) != trial.PhaseBuild || trace.Running(false) != trial.PhaseDeploy {
		t.Errorf("got %s and %s", trace.Running(true), trace.Running(false))
	}
}
