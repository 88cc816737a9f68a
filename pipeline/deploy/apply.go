package deploy

import (
	"context"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Apply applies the objects in order and returns when the cluster has taken
// them all. Custom resources may follow their definitions: those are waited
// for first.
func (c *Client) Apply(ctx context.Context, objects []Object) error {
	definitions, rest := splitDefinitions(objects)
	for _, o := range definitions {
		if err := c.apply(ctx, o); err != nil {
			return err
		}
	}
	if hasDefinition(definitions) {
		if err := c.Wait(ctx, definitions); err != nil {
			return fmt.Errorf("waiting for resource definitions: %w", err)
		}
		c.mapper.Reset()
	}
	for _, o := range rest {
		if err := c.apply(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// splitDefinitions cuts sorted objects after namespaces and definitions.
func splitDefinitions(objects []Object) (definitions, rest []Object) {
	for i, o := range objects {
		if order(o) == 2 {
			return objects[:i], objects[i:]
		}
	}
	return objects, nil
}

func hasDefinition(objects []Object) bool {
	return len(objects) > 0 && order(objects[len(objects)-1]) == 1
}

// settling bounds for how long an object is offered again to a cluster that
// is young: the default service account appears shortly after a namespace,
// a webhook after its pod.
const settling = 20 * time.Second

func (c *Client) apply(ctx context.Context, o Object) error {
	where, err := c.locate(o)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(settling); ; {
		var applied *unstructured.Unstructured
		applied, err = c.at(where).Apply(ctx, o.GetName(), o.Unstructured, metav1.ApplyOptions{FieldManager: FieldManager, Force: true})
		if err == nil {
			c.see.Log("applied " + o.String())
			if isJob(o.Unstructured) {
				return c.jobs.follow(ctx, applied, c.at(where))
			}
			return nil
		}
		if !settles(err) || time.Now().After(deadline) {
			return fmt.Errorf("applying %s from %s: %w", o, o.File, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("applying %s from %s: %w", o, o.File, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// settles is true of a refusal that a young cluster takes back by itself.
func settles(err error) bool {
	return apierrors.IsServerTimeout(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err) ||
		apierrors.IsForbidden(err) && strings.Contains(err.Error(), "serviceaccount") ||
		apierrors.IsInternalError(err) && strings.Contains(err.Error(), "webhook")
}
