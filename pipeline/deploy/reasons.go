package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// reasonTime bounds the time for finding reasons after a failure.
const reasonTime = 2 * time.Second

// reasons asks the cluster why the objects are not ready: what the pods of their
// namespaces wait for, and the last warnings. The wait is over by then, so it has a
// little time of its own.
func (c *Client) reasons(ctx context.Context, waiting []State) (reasons []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reasonTime)
	defer cancel()
	asked := map[string]bool{"": true} // objects of no namespace
	for _, s := range waiting {
		if asked[s.Namespace] {
			continue
		}
		asked[s.Namespace] = true
		pods, err := list[corev1.Pod](ctx, c, place{corev1.SchemeGroupVersion.WithResource("pods"), s.Namespace})
		if err != nil {
			reasons = append(reasons, err.Error())
			continue
		}
		var since time.Time
		for _, pod := range pods {
			reasons = append(reasons, podReasons(pod)...)
			if made := pod.CreationTimestamp.Time; since.IsZero() || made.Before(since) {
				since = made
			}
		}
		events, err := list[corev1.Event](ctx, c, place{corev1.SchemeGroupVersion.WithResource("events"), s.Namespace})
		if err != nil {
			reasons = append(reasons, err.Error())
			continue
		}
		reasons = append(reasons, warnings(events, since)...)
	}
	return reasons
}

func list[T any](ctx context.Context, c *Client, where place) ([]T, error) {
	found, err := c.at(where).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("asking the cluster for %s in %s: %w", where.resource.Resource, where.namespace, err)
	}
	items := make([]T, len(found.Items))
	for i, u := range found.Items {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &items[i]); err != nil {
			return nil, fmt.Errorf("reading %s: %w", describe(&u), err)
		}
	}
	return items, nil
}

// podReasons are the reasons why a pod is not ready: it is not scheduled, or its
// containers wait for something or have died.
func podReasons(pod corev1.Pod) []string {
	name := "pod " + pod.Namespace + "/" + pod.Name
	var reasons []string
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			reasons = append(reasons, fmt.Sprintf("%s: %s: %s", name, c.Reason, c.Message))
		}
	}
	for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if reason := containerReason(c); reason != "" {
			reasons = append(reasons, name+" container "+c.Name+": "+reason)
		}
	}
	return reasons
}

func containerReason(c corev1.ContainerStatus) string {
	var parts []string
	switch state := c.State; {
	case state.Waiting != nil:
		parts = append(parts, reason(state.Waiting.Reason, state.Waiting.Message))
	case state.Terminated != nil && state.Terminated.ExitCode != 0:
		parts = append(parts, ended(*state.Terminated))
	case state.Running != nil && !c.Ready:
		parts = append(parts, "running and not ready")
	}
	if last := c.LastTerminationState.Terminated; last != nil && len(parts) > 0 {
		parts = append(parts, "before that it "+ended(*last))
	}
	return strings.Join(parts, "; ")
}

func ended(t corev1.ContainerStateTerminated) string {
	text := fmt.Sprintf("ended with exit code %d (%s)", t.ExitCode, t.Reason)
	if t.Message != "" {
		text += ": " + strings.TrimSpace(t.Message)
	}
	return text
}

func reason(reason, message string) string {
	if message == "" {
		return reason
	}
	return reason + ": " + message
}

// lastWarnings is how many warnings of a namespace are reported.
const lastWarnings = 5

// warnings are the last warnings and pulls: a pull that hangs causes no warning. Events
// from before the first pod are left out, because a node warns about many things while
// it starts.
func warnings(events []corev1.Event, since time.Time) []string {
	events = slices.DeleteFunc(events, func(e corev1.Event) bool {
		return e.Type != corev1.EventTypeWarning && e.Reason != "Pulling" || when(e).Before(since)
	})
	slices.SortStableFunc(events, func(a, b corev1.Event) int { return cmp.Compare(when(a).UnixNano(), when(b).UnixNano()) })
	var texts []string
	for _, e := range events {
		text := fmt.Sprintf("event %s %s/%s: %s: %s", strings.ToLower(e.InvolvedObject.Kind),
			e.InvolvedObject.Namespace, e.InvolvedObject.Name, e.Reason, strings.TrimSpace(e.Message))
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return texts[max(0, len(texts)-lastWarnings):]
}

func when(e corev1.Event) time.Time {
	if !e.LastTimestamp.IsZero() {
		return e.LastTimestamp.Time
	}
	return e.EventTime.Time
}
