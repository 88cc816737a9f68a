package controller

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/stratbench/stratbench/experiments/workload/internal/api"
	"github.com/stratbench/stratbench/experiments/workload/internal/kube"
	"github.com/stratbench/stratbench/experiments/workload/internal/serve"
)

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
	tryTime    = 10 * time.Second
	readyTime  = 900 * time.Millisecond // below a probe's time-out
)

// Controller watches incidents and reconciles them one after another.
type Controller struct {
	reconciler *Reconciler
	queue      *queue
	seconds    *prometheus.HistogramVec
	registry   *prometheus.Registry
	synced     atomic.Bool
	reconciled atomic.Int64
	retried    atomic.Int64
}

// New returns a controller over a reconciler.
func New(reconciler *Reconciler) *Controller {
	c := &Controller{
		reconciler: reconciler,
		queue:      newQueue(),
		registry:   prometheus.NewRegistry(),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "controller_reconcile_seconds",
			Help:    "Time taken by one reconciliation.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 7),
		}, []string{"result"}),
	}
	c.registry.MustRegister(c.seconds)
	return c
}

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) {
	go c.watch(ctx)
	tries := map[string]int{}
	for {
		name, ok := c.queue.next(ctx)
		if !ok {
			return
		}
		if err := c.try(ctx, name); err != nil {
			delay := backoff(tries[name])
			tries[name]++
			c.retried.Add(1)
			log.Printf("controller: %s: %v; again in %s", name, err, delay)
			c.queue.addAfter(name, delay)
			continue
		}
		c.reconciled.Add(1)
		delete(tries, name)
	}
}

func (c *Controller) try(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	start := time.Now()
	err := c.reconciler.Reconcile(ctx, name)
	result := "ok"
	if err != nil {
		result = "error"
	}
	c.seconds.WithLabelValues(result).Observe(time.Since(start).Seconds())
	return err
}

func backoff(tries int) time.Duration {
	// The shift is bounded: a service may be away for a long time.
	return min(firstRetry<<min(tries, 10), lastRetry)
}

// watch lists and then follows the incidents, and begins again with a list
// when the watch cannot go on.
func (c *Controller) watch(ctx context.Context) {
	for tries := 0; ctx.Err() == nil; tries++ {
		synced, err := c.follow(ctx)
		c.synced.Store(false)
		if ctx.Err() != nil {
			return
		}
		if synced {
			tries = 0
		}
		log.Printf("controller: watch: %v", err)
		select {
		case <-time.After(backoff(tries)):
		case <-ctx.Done():
		}
	}
}

func (c *Controller) follow(ctx context.Context) (synced bool, err error) {
	r := c.reconciler
	list, err := r.list(ctx)
	if err != nil {
		return false, err
	}
	for _, object := range list.Items {
		c.queue.add(object.Meta.Name)
	}
	c.synced.Store(true)
	version := list.Meta.ResourceVersion
	for err == nil {
		version, err = r.Kube.Watch(ctx, r.Namespace, Selector, version, c.queue.add)
	}
	return true, err
}

func (r *Reconciler) list(ctx context.Context) (kube.ConfigMapList, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	return r.Kube.List(ctx, r.Namespace, Selector)
}

// Ready reports whether incidents are watched and the services they need answer.
func (c *Controller) Ready(ctx context.Context) error {
	if !c.synced.Load() {
		return errors.New("incidents are not watched yet")
	}
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	if err := c.reconciler.Upstream.Ready(ctx); err != nil {
		return fmt.Errorf("upstream: %w", err)
	}
	return nil
}

// Handler serves the controller's state.
func (c *Controller) Handler() http.Handler {
	mux := http.NewServeMux()
	serve.Health(mux, c.Ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(c.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) {
		serve.JSON(w, http.StatusOK, api.Status{
			Synced:     c.synced.Load(),
			Reconciled: c.reconciled.Load(),
			Retried:    c.retried.Load(),
		})
	})
	return mux
}
