// Command datastore keeps the findings of the workload.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"os/signal"
	"syscall"

	"github.com/stratbench/stratbench/experiments/workload/internal/datastore"
	"github.com/stratbench/stratbench/experiments/workload/internal/serve"
)

func main() {
	addr := flag.String("listen", ":8080", "address to serve on")
	path := flag.String("db", "/data/records.db", "database file")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *path); err != nil {
		log.Fatalf("datastore: %v", err)
	}
}

func run(ctx context.Context, addr, path string) error {
	store, err := datastore.Open(path)
	if err != nil {
		return err
	}
	log.Printf("datastore: serving %s on %s", path, addr)
	return errors.Join(serve.Run(ctx, addr, datastore.Handler(store)), store.Close())
}
