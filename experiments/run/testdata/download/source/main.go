// Module needs another module to be built.
package main

import (
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	var group errgroup.Group
	// Waiting for nothing at all would be a deadlock, which ends the program.
	group.Go(func() error {
		fmt.Println("built with a module that was downloaded")
		time.Sleep(time.Hour)
		return nil
	})
	_ = group.Wait()
}
