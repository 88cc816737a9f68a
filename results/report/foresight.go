package report

import (
	"fmt"
	"time"

	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/study"
)

// mostShown is the largest difference of which it is said that it can be shown.
const mostShown = 10

// Foresight says what so many planned blocks can decide, and how many would
// settle it, at so long a block.
func Foresight(f answer.Foresight, blocks int, each time.Duration) (notes []string) {
	from := "an assumption, as no earlier run has shown it"
	if f.Seen {
		from = "as earlier runs of these cells have shown"
	}
	notes = append(notes, fmt.Sprintf("Times of a cell vary by %.0f %%: %s.", 100*f.Noise, from))
	places := noun(f.Places, "place")
	if f.RuledOut <= mostShown {
		notes = append(notes, fmt.Sprintf("%d %s at %d %s rule out a strategy that takes over about %.0f %% more than the best.", blocks, noun(blocks, "block"), f.Places, places, 100*float64(f.RuledOut)))
	} else {
		notes = append(notes, fmt.Sprintf("%d %s at %d %s can rule out no strategy.", blocks, noun(blocks, "block"), f.Places, places))
	}
	text := fmt.Sprintf("To tell that strategies are as fast as each other, within %g %% (design.indifference), and to exclude failures that would turn the choice, takes about %d %s without a failure (%s)",
		100*f.Indifference, f.Settled, noun(f.Settled, "block"), roughly(study.Value((time.Duration(f.Settled) * each).Seconds())))
	if f.Settled > blocks {
		text += "; with stop: decided a run ends as soon as that is done"
	}
	return append(notes, text+".")
}
