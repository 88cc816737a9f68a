package controller

import (
	"context"
	"sync"
	"time"
)

// queue holds the names that wait for one worker, each at most once. A name
// added while it is being worked on waits again.
type queue struct {
	mu      sync.Mutex
	waiting map[string]bool
	order   []string
	wake    chan struct{}
}

func newQueue() *queue {
	return &queue{waiting: map[string]bool{}, wake: make(chan struct{}, 1)}
}

func (q *queue) add(name string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting[name] {
		return
	}
	q.waiting[name] = true
	q.order = append(q.order, name)
	select {
	case q.wake <- struct{}{}:
	default: // the worker is called already
	}
}

func (q *queue) addAfter(name string, delay time.Duration) {
	time.AfterFunc(delay, func() { q.add(name) })
}

// next waits for a name. It returns false when ctx ends.
func (q *queue) next(ctx context.Context) (string, bool) {
	for {
		if name, ok := q.take(); ok {
			return name, true
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return "", false
		}
	}
}

func (q *queue) take() (string, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.order) == 0 {
		return "", false
	}
	name := q.order[0]
	q.order = q.order[1:]
	delete(q.waiting, name)
	return name, true
}
