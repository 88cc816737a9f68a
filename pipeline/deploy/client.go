package deploy

import (
	"cmp"
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

// fieldManager is the name under which fields are owned in the cluster.
const fieldManager = "stratbench"

// Client talks to one cluster.
type Client struct {
	dynamic dynamic.Interface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
	// kinds also knows the short names of kinds.
	kinds meta.RESTMapper
	see   Observer
	jobs  jobs
	// life bounds how long Jobs are followed: longer than the step that applies them.
	life context.Context
}

// Observer is notified of the progress of the deployment.
type Observer struct {
	// Log takes a line about something that changed, and about how far all has come.
	Log func(line string)
	// Span opens a span for something that is waited for.
	Span func(name string) (end func(error))
	// Pod opens a span for a state of a pod. It is no sign of progress: a pod that
	// crashes again and again changes its state for ever.
	Pod func(name string) (end func(error))
}

// Connect returns a client of the kubeconfig's cluster. It can be used until ctx ends.
func Connect(ctx context.Context, kubeconfig string, see Observer) (*Client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig %s: %w", kubeconfig, err)
	}
	// The default limit of five requests a second is meant for controllers, and would
	// add to the deployment time.
	config.QPS = -1
	client, err := dynamic.NewForConfig(config)
	finder, failed := discovery.NewDiscoveryClientForConfig(config)
	if err = cmp.Or(err, failed); err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	cached := memory.NewMemCacheClient(finder)
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(cached)
	return &Client{dynamic: client, mapper: mapper, kinds: restmapper.NewShortcutExpander(mapper, cached, nil), see: see, life: ctx}, nil
}

// place is a resource in a namespace: what one watch covers.
type place struct {
	resource  schema.GroupVersionResource
	namespace string
}

// locate finds the place of an object, and sets its namespace if it needs one and has
// none.
func (c *Client) locate(o Object) (place, error) {
	kind := o.GroupVersionKind()
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return place{}, fmt.Errorf("finding the resource of %s in %s: %w", o, o.File, err)
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		o.SetNamespace("")
	} else if o.GetNamespace() == "" {
		o.SetNamespace(cmp.Or(o.home, "default"))
	}
	return place{mapping.Resource, o.GetNamespace()}, nil
}

func (c *Client) at(p place) dynamic.ResourceInterface {
	if p.namespace == "" {
		return c.dynamic.Resource(p.resource)
	}
	return c.dynamic.Resource(p.resource).Namespace(p.namespace)
}
