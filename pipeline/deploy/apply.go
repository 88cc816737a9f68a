package deploy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"regexp"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Patience is how long objects are offered again whose kind something in the
// cluster is yet to define, or whose webhook does not answer yet.
const Patience = 2 * time.Minute

// Apply applies the objects in order and returns when the cluster has taken
// them all. Custom resources may follow their definitions: those are waited
// for first. Kinds that an operator defines, and webhooks, are waited for no
// longer than patience.
func (c *Client) Apply(ctx context.Context, objects []Object, patience time.Duration) error {
	definitions, rest := splitDefinitions(objects)
	for _, o := range definitions {
		if err := c.apply(ctx, o, patience); err != nil {
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
		if err := c.apply(ctx, o, patience); err != nil {
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

// settling bounds for how long an object is offered again to a cluster that is
// young.
const settling = 20 * time.Second

// aPhase is as long as the phase may last: every cluster brings what is waited
// for, and a slow host takes its time.
const aPhase = time.Duration(math.MaxInt64)

// apply offers an object until the cluster takes it, or refuses it for good.
// What it waits for meanwhile is a span: a webhook, or a kind.
func (c *Client) apply(ctx context.Context, o Object, patience time.Duration) (err error) {
	began, waiting, end := time.Now(), "", func(error) {}
	defer func() { end(err) }()
	for {
		err = c.offer(ctx, o)
		wanted, limit := settles(err)
		if wanted == "" {
			return err
		}
		if limit == 0 {
			limit = patience
		}
		if time.Since(began) > limit {
			return fmt.Errorf("%w; that was so for %s", err, limit)
		}
		if wanted != waiting {
			end(nil)
			waiting, end = wanted, c.see.Span(wanted)
			c.see.Log("waiting: " + err.Error())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, context.Cause(ctx))
		case <-time.After(pause(err)):
		}
	}
}

// pause is how long to wait before an object is offered again. A kind that is
// not known is looked for among all that the cluster has.
func pause(err error) time.Duration {
	if meta.IsNoMatchError(err) {
		return 500 * time.Millisecond
	}
	return 100 * time.Millisecond
}

func (c *Client) offer(ctx context.Context, o Object) error {
	where, err := c.locate(o)
	if err != nil {
		c.mapper.Reset() // for the next time
		return err
	}
	applied, err := c.at(where).Apply(ctx, o.GetName(), o.Unstructured, metav1.ApplyOptions{FieldManager: FieldManager, Force: true})
	if err != nil {
		return fmt.Errorf("applying %s from %s: %w", o, o.File, err)
	}
	c.see.Log("applied " + o.String())
	if isJob(o.Unstructured) {
		return c.jobs.follow(c.life, applied, c.at(where))
	}
	return nil
}

// callingWebhook finds the webhook in what an API server says when it does not
// answer.
var callingWebhook = regexp.MustCompile(`failed calling webhook "([^"]+)"`)

// settles says what a refusal waits for that may come by itself, and "" for
// one that does not. The limit is 0 where the step decides.
func settles(err error) (waits string, limit time.Duration) {
	var unknown *meta.NoKindMatchError
	switch {
	case err == nil:
		return "", 0
	case slow(err):
		return "API server answers", aPhase
	case errors.As(err, &unknown):
		return "kind " + unknown.GroupKind.String() + " is known", 0
	case apierrors.IsInternalError(err) && strings.Contains(err.Error(), "webhook"):
		if m := callingWebhook.FindStringSubmatch(err.Error()); m != nil {
			return "webhook " + m[1] + " answers", 0
		}
		return "webhook answers", 0
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), `serviceaccount "default" not found`):
		return "service account exists", aPhase
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "serviceaccount"):
		return "service account exists", settling
	case apierrors.IsNotFound(err) && strings.Contains(err.Error(), "namespaces"):
		return "namespace exists", settling
	case apierrors.IsServerTimeout(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err):
		return "API server takes more", settling
	}
	return "", 0
}

// slow is true of an API server that did not answer in time, as that of a busy
// host does. One that does not answer at all is seen by whoever watches the trial,
// or by the limit of the phase.
func slow(err error) bool {
	var on net.Error
	return errors.As(err, &on) && on.Timeout()
}
