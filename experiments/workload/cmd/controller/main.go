// Command controller takes incidents of the cluster through the workload.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/stratbench/stratbench/experiments/workload/internal/controller"
	"github.com/stratbench/stratbench/experiments/workload/internal/kube"
	"github.com/stratbench/stratbench/experiments/workload/internal/serve"
)

func main() {
	addr := flag.String("listen", ":8080", "address to serve on")
	analysis := flag.String("analysis", "http://analysis:8080", "address of the analysis service")
	datastore := flag.String("datastore", "http://datastore:8080", "address of the datastore service")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	upstream := &controller.Upstream{
		Analysis:  *analysis,
		Datastore: *datastore,
		HTTP:      &http.Client{Timeout: 5 * time.Second},
	}
	if err := run(ctx, *addr, upstream); err != nil {
		log.Fatalf("controller: %v", err)
	}
}

func run(ctx context.Context, addr string, upstream *controller.Upstream) error {
	client, namespace, err := kube.InCluster()
	if err != nil {
		return err
	}
	c := controller.New(&controller.Reconciler{Kube: client, Namespace: namespace, Upstream: upstream})
	go c.Run(ctx)
	log.Printf("controller: watching namespace %s, serving on %s", namespace, addr)
	return serve.Run(ctx, addr, c.Handler())
}
