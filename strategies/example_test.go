package strategies_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/stratbench/stratbench/strategies"
)

// A test suite asks a strategy for a schedule, and runs it over whatever builds
// an image there.
func Example() {
	images := []strategies.Image{{Name: "api", Weight: 1}, {Name: "worker", Weight: 1}, {Name: "frontend", Weight: 4}}
	strategy, err := strategies.Named(strategies.TwoPlusOne, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	schedule, err := strategy.Schedule(images)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, stage := range schedule.Stages {
		fmt.Printf("%v, %d at a time\n", stage.Images, stage.Concurrency)
	}

	err = strategies.Runner{}.Run(context.Background(), schedule, func(ctx context.Context, image string) error {
		if image == "frontend" {
			return errors.New("no space left on device")
		}
		return nil // here an image would be built
	})
	fmt.Println(err)
	// Output:
	// [api worker], 2 at a time
	// [frontend], 1 at a time
	// frontend: no space left on device
}

// A strategy of your own is data. All its mistakes are reported at once.
func ExampleOwn() {
	own := map[string]strategies.Own{"api-first": {Stages: [][]string{{"api"}, {"worker", "web"}}}}
	strategy, err := strategies.Named("api-first", own)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = strategy.Schedule([]strategies.Image{{Name: "api"}, {Name: "worker"}, {Name: "frontend"}})
	fmt.Println(err)
	// Output:
	// stage 2 names "web", which the workload does not have; its images are ["api" "worker" "frontend"]
	// no stage names image "frontend"; add it to one
}
