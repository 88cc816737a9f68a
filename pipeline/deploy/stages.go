package deploy

import (
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/kubewatch"
)

// stages follow pods, and open a span for each thing that a pod waits for.
type stages struct {
	mu   sync.Mutex
	see  Observer
	open map[types.UID]stage
}

type stage struct {
	name string
	end  func(error)
}

// watchPods follows the pods of the objects' namespaces, and those of the cluster's DNS,
// until ctx ends.
func (c *Client) watchPods(ctx context.Context, places map[place]bool) {
	s := &stages{see: c.see, open: map[types.UID]stage{}}
	namespaces := map[string]bool{systemNamespace: true}
	for where := range places {
		namespaces[where.namespace] = true
	}
	delete(namespaces, "") // objects of no namespace
	var watches errgroup.Group
	for namespace := range namespaces {
		pods := c.at(place{corev1.SchemeGroupVersion.WithResource("pods"), namespace})
		watches.Go(func() error { return kubewatch.Until(ctx, pods, func(string) {}, s.take) })
	}
	_ = watches.Wait() // the watches end with ctx
	s.close()
}

const systemNamespace = "kube-system"

// take takes a pod from a watch. It never ends the watch.
func (s *stages) take(u *unstructured.Unstructured, deleted bool) bool {
	var pod corev1.Pod
	if runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &pod) != nil ||
		pod.Namespace == systemNamespace && pod.Labels["k8s-app"] != "kube-dns" {
		return false
	}
	now := ""
	if !deleted {
		now = stageOf(pod)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.open[pod.UID]; before.name != now {
		if before.end != nil {
			before.end(nil)
		}
		delete(s.open, pod.UID)
		if now != "" {
			s.open[pod.UID] = stage{now, s.see.Pod("pod " + madeBy(pod) + " " + now)}
		}
	}
	return false
}

func (s *stages) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, open := range s.open {
		open.end(nil)
	}
}

// stageOf is what a pod waits for, or "" if it is ready or has ended.
func stageOf(p corev1.Pod) string {
	if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed || isTrue(p, corev1.PodReady) {
		return ""
	}
	if !isTrue(p, corev1.PodScheduled) {
		return "is not scheduled"
	}
	containers := slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses)
	waits := func(reasons ...string) bool {
		return slices.ContainsFunc(containers, func(c corev1.ContainerStatus) bool {
			return c.State.Waiting != nil && slices.Contains(reasons, c.State.Waiting.Reason)
		})
	}
	switch {
	case waits("CrashLoopBackOff"):
		return trial.InBackOff
	case waits("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull"):
		return "has no image"
	case slices.ContainsFunc(p.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return c.State.Running == nil }), len(containers) == 0:
		return "starts"
	}
	return "runs and is not ready"
}

func isTrue(p corev1.Pod, of corev1.PodConditionType) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == of && c.Status == corev1.ConditionTrue })
}

// madeBy is the name of the pod's owner. The pod's own name is different in each trial.
func madeBy(p corev1.Pod) string {
	for _, owner := range p.OwnerReferences {
		return strings.TrimSuffix(owner.Name, "-"+p.Labels["pod-template-hash"])
	}
	return p.Name
}
