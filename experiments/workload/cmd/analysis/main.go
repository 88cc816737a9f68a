// Command analysis judges incidents for the workload.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/stratbench/stratbench/experiments/workload/internal/analysis"
	"github.com/stratbench/stratbench/experiments/workload/internal/serve"
)

func main() {
	addr := flag.String("listen", ":8080", "address to serve on")
	path := flag.String("rules", "/etc/analysis/rules.yaml", "rule file")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *path); err != nil {
		log.Fatalf("analysis: %v", err)
	}
}

func run(ctx context.Context, addr, path string) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read rules: %w", err)
	}
	engine, err := analysis.Load(document)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	log.Printf("analysis: %d rules, serving on %s", len(engine.Rules()), addr)
	return serve.Run(ctx, addr, analysis.Handler(engine))
}
