package kindcluster

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/stratbench/stratbench/pipeline/kubewatch"
)

// WaitReady waits on a watch until every node of the cluster is ready.
func (c *Cluster) WaitReady(ctx context.Context, see Observer) error {
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig of the Kind cluster %s: %w", c.Name, err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("connecting to the Kind cluster %s: %w", c.Name, err)
	}
	states := map[string]string{}
	resource := client.Resource(corev1.SchemeGroupVersion.WithResource("nodes"))
	err = kubewatch.Until(ctx, resource, see.Log, func(object *unstructured.Unstructured, _ bool) bool {
		name, state := object.GetName(), nodeState(object, c.started)
		if created := object.GetCreationTimestamp().Time; !c.started.IsZero() && (c.Created.IsZero() || created.Before(c.Created)) {
			c.Created = created
		}
		if states[name] != state {
			states[name] = state
			see.Log("node " + name + ": " + state)
		}
		return allReady(states, len(c.Config.Nodes))
	})
	if err != nil {
		return fmt.Errorf("waiting for the nodes of the Kind cluster %s (%s): %w", c.Name, describe(states), err)
	}
	return nil
}

const ready = "ready"

// nodeState is "ready", or the reason why the node is not. What a node reported before
// it was started again does not count. Times in the API are whole seconds.
func nodeState(object *unstructured.Unstructured, started time.Time) string {
	var node corev1.Node
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &node); err != nil {
		return "unreadable: " + err.Error()
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type != corev1.NodeReady {
			continue
		}
		if condition.LastHeartbeatTime.Time.Before(started.Truncate(time.Second)) {
			break
		}
		if condition.Status == corev1.ConditionTrue {
			return ready
		}
		return condition.Reason + ": " + condition.Message
	}
	return "has not reported yet"
}

func allReady(states map[string]string, want int) bool {
	for _, state := range states {
		if state != ready {
			return false
		}
	}
	return len(states) >= want
}

func describe(states map[string]string) string {
	if len(states) == 0 {
		return "no node has registered"
	}
	var parts []string
	for name, state := range states {
		parts = append(parts, name+" "+state)
	}
	return strings.Join(parts, ", ")
}
