// Package kubewatch waits with watches of the Kubernetes API, so that a change is seen
// when it happens and not at the next poll.
package kubewatch

import (
	"context"
	"strings"

	"github.com/go-logr/logr/funcr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// Until calls see for every object of the resource, and again whenever one changes or
// is deleted, one call at a time, until see returns true or ctx ends. It survives a
// broken connection, and logs it.
func Until(ctx context.Context, resource dynamic.ResourceInterface, log func(line string),
	see func(object *unstructured.Unstructured, deleted bool) bool) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	// client-go would print its messages, even the one that it was told to stop.
	watching = klog.NewContext(watching, funcr.New(func(prefix, args string) {
		if watching.Err() == nil {
			log(strings.TrimSpace(prefix + " " + args))
		}
	}, funcr.Options{}))
	over := false
	handle := func(object any, deleted bool) {
		if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = gone.Obj
		}
		if u, ok := object.(*unstructured.Unstructured); ok && watching.Err() == nil && see(u, deleted) {
			over = true
			stop()
		}
	}
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: &cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
				return resource.List(ctx, options)
			},
			WatchFuncWithContext: resource.Watch,
		},
		ObjectType: &unstructured.Unstructured{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { handle(object, false) },
			UpdateFunc: func(_, object any) { handle(object, false) },
			DeleteFunc: func(object any) { handle(object, true) },
		},
	})
	informer.RunWithContext(watching) // handle runs in here
	if over {
		return nil
	}
	return context.Cause(ctx)
}
