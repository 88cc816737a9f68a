package run

import (
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// Update tells a display how far a run is. Exactly one of its parts is set.
type Update struct {
	// Note is a line of its own: what is being prepared, what was decided.
	Note string
	// Started and Ended bracket a trial; Ended carries its record, and Log is
	// the path of its log.
	Started *trial.Trial
	Ended   *results.Record
	Log     string
	// Now is the phase of the running trial that began last.
	Now trial.Phase
	// Done and Total count trials, Left estimates the time they still take
	// (0 while nothing is known); they are set with Started and Ended.
	Done, Total int
	Left        time.Duration
}
