// Module needs another module to be built.
package main

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
)

func main() {
	group, ctx := errgroup.WithContext(context.Background())
	group.Go(func() error { fmt.Println("built with a module that was downloaded"); <-ctx.Done(); return nil })
	_ = group.Wait()
}
