package deploy

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// TestStagesOfPods follows a pod that waits for its place, starts, crashes and
// becomes ready, and finds each once.
func TestStagesOfPods(t *testing.T) {
	var told []string
	s := &stages{open: map[types.UID]stage{}, see: Observer{Pod: func(name string) func(error) {
		told = append(told, "> "+name)
		return func(error) { told = append(told, "< "+name) }
	}}}
	see := func(uid types.UID, namespace string, labels map[string]string, conditions []corev1.PodConditionType, containers ...corev1.ContainerState) {
		t.Helper()
		pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: uid, Namespace: namespace, Name: "till-6d5f-x2x", Labels: labels,
			OwnerReferences: []metav1.OwnerReference{{Name: "till-6d5f"}}}}
		for _, c := range conditions {
			pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: c, Status: corev1.ConditionTrue})
		}
		for _, c := range containers {
			pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{State: c})
		}
		u, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&pod)
		if err != nil {
			t.Fatal(err)
		}
		s.take(&unstructured.Unstructured{Object: u}, false)
	}
	till := map[string]string{"pod-template-hash": "6d5f"}
	waiting := func(reason string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
	}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	placed := []corev1.PodConditionType{corev1.PodScheduled}
	see("a", "shop", till, nil)
	see("a", "shop", till, nil)
	see("a", "shop", till, placed, waiting("ContainerCreating"))
	see("a", "shop", till, placed, running)
	see("a", "shop", till, placed, waiting("CrashLoopBackOff"))
	see("a", "shop", till, append(placed, corev1.PodReady), running)
	see("b", "shop", till, placed, waiting("ImagePullBackOff"))
	see("c", systemNamespace, map[string]string{"k8s-app": "kube-proxy"}, nil)
	see("d", systemNamespace, map[string]string{"k8s-app": "kube-dns"}, placed)
	s.close()

	want := []string{
		"> pod till is not scheduled", "< pod till is not scheduled",
		"> pod till starts", "< pod till starts",
		"> pod till runs and is not ready", "< pod till runs and is not ready",
		"> pod till is in back-off after a crash", "< pod till is in back-off after a crash",
		"> pod till has no image",
	}
	if len(told) != len(want)+3 || !slices.Equal(told[:len(want)], want) || told[len(want)] != "> pod till-6d5f starts" {
		t.Errorf("got\n%q", told)
	}
}
