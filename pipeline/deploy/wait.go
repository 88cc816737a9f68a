package deploy

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/stratbench/stratbench/pipeline/kubewatch"
)

// Wait watches the objects until all of them are ready at the same time. A Job is ready once
// it is complete, even if it is deleted afterwards. An object that has failed for good ends
// the wait. The error names those that are not ready, with reasons from the cluster.
func (c *Client) Wait(ctx context.Context, objects []Object) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	tracker := newTracker(objects, c.see)
	places := map[place]bool{}
	for _, o := range objects {
		where, err := c.locate(o)
		if err != nil {
			return err
		}
		places[where] = true
	}
	var pods sync.WaitGroup
	pods.Go(func() { c.watchPods(watching, places) })
	defer func() { stop(); pods.Wait() }()
	var watches errgroup.Group
	for where := range places {
		watches.Go(func() error {
			defer stop()
			return kubewatch.Until(watching, c.at(where), c.see.Log, tracker.see)
		})
	}
	for _, o := range objects {
		if isJob(o.Unstructured) {
			watches.Go(func() error {
				if ended := c.jobs.end(watching, watchKey(o.Unstructured)); ended != nil && tracker.see(ended, false) {
					stop()
				}
				return nil
			})
		}
	}
	_ = watches.Wait() // the tracker knows whether all objects are ready
	waiting := tracker.unready()
	if len(waiting) == 0 {
		return nil
	}
	return &NotReadyError{Objects: waiting, Reasons: c.reasons(ctx, waiting), Err: context.Cause(ctx)}
}

// tracker holds the states of the objects that are waited for.
type tracker struct {
	mu     sync.Mutex
	states map[string]State
	order  []string
	// ended are the Jobs whose state is final.
	ended   map[string]bool
	observe Observer
}

// State is the state of an object.
type State struct {
	Object    string
	Namespace string
	Status    status.Status
	Message   string
}

func newTracker(objects []Object, see Observer) *tracker {
	t := &tracker{states: map[string]State{}, ended: map[string]bool{}, observe: see}
	for _, o := range objects {
		key := watchKey(o.Unstructured)
		if _, again := t.states[key]; !again {
			t.order = append(t.order, key)
		}
		t.states[key] = State{Object: o.String(), Namespace: o.GetNamespace(), Status: status.NotFoundStatus, Message: "not seen yet"}
	}
	return t
}

// watchKey identifies an object. The version is left out, because a cluster may answer in
// another one.
func watchKey(u *unstructured.Unstructured) string {
	return strings.Join([]string{u.GroupVersionKind().Group, u.GetKind(), u.GetNamespace(), u.GetName()}, "/")
}

// see takes an object from a watch. It returns true once the wait is over.
func (t *tracker) see(u *unstructured.Unstructured, deleted bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := watchKey(u)
	old, wanted := t.states[key]
	if !wanted {
		return false
	}
	state := old
	if !t.ended[key] {
		state, t.ended[key] = stateOf(u, deleted)
	}
	t.states[key] = state
	ready, failed := 0, 0
	for _, s := range t.states {
		switch s.Status {
		case status.CurrentStatus:
			ready++
		case status.FailedStatus:
			failed++
		}
	}
	if state != old {
		t.observe.Log(fmt.Sprintf("%s is %s: %s", state.Object, state.Status, state.Message))
		t.observe.Log(fmt.Sprintf("%d of %d objects ready", ready, len(t.states)))
	}
	return failed > 0 || ready == len(t.states)
}

// stateOf is the state of an object, and whether it is final.
func stateOf(u *unstructured.Unstructured, deleted bool) (state State, ended bool) {
	if isJob(u) {
		if state, ended = jobState(u); ended || !deleted {
			return state, ended
		}
	}
	state = State{Object: describe(u), Namespace: u.GetNamespace()}
	if deleted {
		state.Status, state.Message = status.NotFoundStatus, "deleted"
		return state, false
	}
	result, err := status.Compute(u)
	if err != nil {
		state.Status, state.Message = status.UnknownStatus, err.Error()
		return state, false
	}
	state.Status, state.Message = result.Status, result.Message
	return state, false
}

// unready lists the objects that are not ready, in the order of the manifests.
func (t *tracker) unready() (waiting []State) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range t.order {
		if s := t.states[key]; s.Status != status.CurrentStatus {
			waiting = append(waiting, s)
		}
	}
	return waiting
}

// NotReadyError names the objects that were not ready when a wait ended, and why.
type NotReadyError struct {
	Objects []State
	// Reasons come from pods and events.
	Reasons []string
	// Err is what ended the wait, or nil if an object failed.
	Err error
}

func (e *NotReadyError) Error() string {
	parts := []string{"not ready:"}
	for _, s := range e.Objects {
		parts = append(parts, fmt.Sprintf("%s is %s (%s);", s.Object, s.Status, s.Message))
	}
	for _, reason := range e.Reasons {
		parts = append(parts, reason+";")
	}
	return strings.TrimSuffix(strings.Join(parts, " "), ";")
}

// Unwrap returns what ended the wait.
func (e *NotReadyError) Unwrap() error { return e.Err }

// askEvery is how often a URL is asked. Nothing announces that a service answers, so
// this is how exactly the moment is known.
const askEvery = 20 * time.Millisecond

// Answers waits until every URL answers 2xx.
func Answers(ctx context.Context, urls []string, see Observer) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, url := range urls {
		group.Go(func() error {
			last := ""
			for {
				err := get(ctx, url)
				if err == nil {
					see.Log(url + " answers")
					return nil
				}
				if text := err.Error(); text != last && ctx.Err() == nil {
					see.Log("waiting: " + text)
					last = text
				}
				select {
				case <-ctx.Done():
					return fmt.Errorf("not ready: %s (%w)", last, context.Cause(ctx))
				case <-time.After(askEvery):
				}
			}
		})
	}
	return group.Wait()
}

// client gives up connecting early: if the first packet is lost, the kernel sends it
// again only after a second.
var client = &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
	DisableKeepAlives: true,
	DialContext:       (&net.Dialer{Timeout: 200 * time.Millisecond}).DialContext,
}}

func get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}
