package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Patience is how long an object is retried whose kind or namespace an operator has not
// made yet, or whose webhook does not answer yet.
const Patience = 2 * time.Minute

// Apply applies the objects in order and returns once the cluster has accepted all of them.
// It waits for resource definitions before it applies what is behind them, and up to
// patience for webhooks and for kinds and namespaces that an operator makes.
func (c *Client) Apply(ctx context.Context, objects []Object, patience time.Duration) error {
	first := objects[:leading(objects)]
	for i, o := range objects {
		if err := c.apply(ctx, o, patience); err != nil {
			return err
		}
		if i == len(first)-1 && order(o) == 1 {
			if err := c.Wait(ctx, first); err != nil {
				return fmt.Errorf("waiting for resource definitions: %w", err)
			}
			c.mapper.Reset()
		}
	}
	return nil
}

// leading is the number of namespaces and resource definitions before other objects.
func leading(objects []Object) int {
	if i := slices.IndexFunc(objects, func(o Object) bool { return order(o) == 2 }); i >= 0 {
		return i
	}
	return len(objects)
}

// settling bounds how long an object is retried on a cluster that is still starting.
const settling = 20 * time.Second

// aPhase leaves the bound to the phase: every cluster has what is waited for sooner or
// later, and a slow host takes long.
const aPhase = time.Duration(math.MaxInt64)

// apply retries an object until the cluster accepts it or refuses it for good. What
// it waits for meanwhile, such as a webhook or a kind, is a span.
func (c *Client) apply(ctx context.Context, o Object, patience time.Duration) (err error) {
	began, waiting, end := time.Now(), "", func(error) {}
	defer func() { end(err) }()
	for {
		err = c.offer(ctx, o)
		wanted, limit := settles(err)
		if wanted == "" {
			return err
		}
		if limit = cmp.Or(limit, patience); time.Since(began) > limit {
			return fmt.Errorf("%w; this did not change for %s", err, limit)
		}
		if wanted != waiting {
			end(nil)
			waiting, end = wanted, c.see.Span(wanted)
			c.see.Log("waiting: " + err.Error())
		}
		pause := 100 * time.Millisecond
		if meta.IsNoMatchError(err) {
			pause = 500 * time.Millisecond // each time all kinds of the cluster are listed
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

func (c *Client) offer(ctx context.Context, o Object) error {
	where, err := c.locate(o)
	if err != nil {
		c.mapper.Reset() // for the next time
		return err
	}
	applied, err := c.at(where).Apply(ctx, o.GetName(), o.Unstructured, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	if err != nil {
		return fmt.Errorf("applying %s from %s: %w", o, o.File, err)
	}
	c.see.Log("applied " + o.String())
	if isJob(o.Unstructured) {
		return c.jobs.follow(c.life, applied, c.at(where))
	}
	return nil
}

// callingWebhook finds the name of a webhook that does not answer in an error of the
// API server.
var callingWebhook = regexp.MustCompile(`failed calling webhook "([^"]+)"`)

// settles returns what to wait for after a refusal that may go away by itself, and ""
// after any other. A limit of 0 leaves it to the step.
func settles(err error) (wanted string, limit time.Duration) {
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
		return "namespace exists", 0
	case apierrors.IsServerTimeout(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err):
		return "API server takes more", settling
	}
	return "", 0
}

// slow is true if the API server did not answer in time, as on a busy host. One that
// never answers is noticed by the watch of the trial or by the limit of the phase.
func slow(err error) bool {
	var on net.Error
	return errors.As(err, &on) && on.Timeout()
}
