package compare_test

import (
	"fmt"
	"strconv"

	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/stats"
)

// Two arms ran side by side in ten blocks; in one block everything was slow,
// which a comparison inside blocks does not see.
func ExampleDecide() {
	var trials []compare.Trial
	for block, slow := range []float64{1, 1.02, 0.98, 1.4, 1.01, 0.99, 1.03, 1, 0.97, 1.02} {
		for _, arm := range []struct {
			name    string
			seconds float64
		}{{"serial", 60 + float64(block%3)}, {"parallel", 45 + float64(block%2)}} {
			trials = append(trials, compare.Trial{
				Arm: arm.name, Place: []string{"podman"}, Block: strconv.Itoa(block + 1),
				Ready: true, Seconds: arm.seconds * slow,
			})
		}
	}
	answer := compare.Decide(trials, []string{"runtime"}, compare.Goal{})
	decision := answer.Groups[0]
	fmt.Println(decision.Verdict, decision.Best)
	fmt.Printf("%s against %s: %+.0f %%\n", decision.Effect.Of, decision.Effect.Against, 100*decision.Effect.Change)
	// Output:
	// decided [parallel]
	// parallel against serial: -25 %
}

// Of ten trials before and ten after, none and six failed.
func ExampleRise() {
	d := compare.Rise(stats.Arm{Events: 0, Trials: 10}, stats.Arm{Events: 6, Trials: 10}, 0.05)
	fmt.Printf("%+.0f points, p = %.3f; too few to tell: %v\n", 100*d.Change, d.P, d.TooFew(0.05))
	fmt.Println("of three and three, too few to tell:", compare.Rise(stats.Arm{Events: 0, Trials: 3}, stats.Arm{Events: 2, Trials: 3}, 0.01).TooFew(0.01))
	// Output:
	// +60 points, p = 0.005; too few to tell: false
	// of three and three, too few to tell: true
}
