package deploy

import (
	"context"
	"fmt"
	"sync"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func isJob(u *unstructured.Unstructured) bool {
	kind := u.GroupVersionKind()
	return kind.Group == batchv1.GroupName && kind.Kind == "Job"
}

// jobState is the state of a Job, and whether the Job has ended for good. It differs
// from kstatus, for which a Job is current as soon as it runs: here it is current once
// it is complete.
func jobState(u *unstructured.Unstructured) (state State, ended bool) {
	state = State{Object: describe(u), Namespace: u.GetNamespace(), Status: status.InProgressStatus}
	var job batchv1.Job
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &job); err != nil {
		state.Status, state.Message = status.UnknownStatus, err.Error()
		return state, false
	}
	state.Message = fmt.Sprintf("%d pods active, %d succeeded, %d failed", job.Status.Active, job.Status.Succeeded, job.Status.Failed)
	for _, c := range job.Status.Conditions {
		if c.Status != corev1.ConditionTrue {
			continue
		}
		switch c.Type {
		case batchv1.JobComplete:
			state.Status, state.Message, ended = status.CurrentStatus, "complete", true
		case batchv1.JobFailed:
			state.Status, state.Message, ended = status.FailedStatus, reason(c.Reason, c.Message), true
		case batchv1.JobSuspended:
			state.Status, state.Message = status.CurrentStatus, "suspended, as its manifest says"
		}
	}
	return state, ended
}

// jobs follows every Job from the version in which it was created, and remembers its
// end. A Job with a short ttlSecondsAfterFinished may have ended and been deleted
// before anything waits for it.
type jobs struct{ byKey sync.Map } // of *followed

// followed is one Job. Once over is closed, last is its last version.
type followed struct {
	over chan struct{}
	last *unstructured.Unstructured
}

// follow watches a Job from the version in which it was applied, until the Job or ctx
// has ended.
func (j *jobs) follow(ctx context.Context, applied *unstructured.Unstructured, where dynamic.ResourceInterface) error {
	one := &cache.ListWatch{WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
		options.FieldSelector = "metadata.name=" + applied.GetName()
		return where.Watch(ctx, options)
	}}
	retrying, err := watchtools.NewRetryWatcherWithContext(ctx, applied.GetResourceVersion(), one)
	if err != nil {
		return fmt.Errorf("following %s: %w", describe(applied), err)
	}
	job := &followed{over: make(chan struct{})}
	j.byKey.Store(watchKey(applied), job)
	go func() {
		defer retrying.Stop()
		for event := range retrying.ResultChan() {
			u, ok := event.Object.(*unstructured.Unstructured)
			if !ok {
				continue // an error of the server's, which Wait's own watch survives
			}
			if _, over := jobState(u); over {
				job.last = u
				close(job.over)
				return
			}
		}
	}()
	return nil
}

// end waits until the Job has ended and returns its last version. It returns nil if
// ctx ends earlier, or if the Job is not followed.
func (j *jobs) end(ctx context.Context, key string) *unstructured.Unstructured {
	found, known := j.byKey.Load(key)
	if !known {
		return nil
	}
	job := found.(*followed)
	select {
	case <-job.over:
		return job.last
	case <-ctx.Done():
		return nil
	}
}
