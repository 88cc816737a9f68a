// Package kubewatch waits on watches of the Kubernetes API: what it waits for
// is seen when it happens, not at the next poll.
package kubewatch

import (
	"context"
	"strings"
	"sync"

	"github.com/go-logr/logr/funcr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// Until calls see with every object of the resource that is there, and each
// time that one changes or is deleted, one call at a time, until see returns
// true or ctx ends. It outlives a broken connection, and tells log of it.
func Until(ctx context.Context, resource dynamic.ResourceInterface, log func(line string),
	see func(object *unstructured.Unstructured, deleted bool) bool) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	// client-go would print its complaints, also that it was told to stop.
	watching = klog.NewContext(watching, funcr.New(func(prefix, args string) {
		if watching.Err() == nil {
			log(strings.TrimSpace(prefix + " " + args))
		}
	}, funcr.Options{}))
	var once sync.Once
	done := make(chan struct{})
	handle := func(object any, deleted bool) {
		if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = gone.Obj
		}
		if u, ok := object.(*unstructured.Unstructured); ok && watching.Err() == nil && see(u, deleted) {
			once.Do(func() { close(done); stop() })
		}
	}
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: listerWatcher(resource),
		ObjectType:    &unstructured.Unstructured{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { handle(object, false) },
			UpdateFunc: func(_, object any) { handle(object, false) },
			DeleteFunc: func(object any) { handle(object, true) },
		},
	})
	informer.RunWithContext(watching)
	select {
	case <-done:
		return nil
	default:
		return context.Cause(ctx)
	}
}

func listerWatcher(resource dynamic.ResourceInterface) cache.ListerWatcher {
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return resource.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return resource.Watch(ctx, options)
		},
	}
}
