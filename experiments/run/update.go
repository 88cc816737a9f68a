package run

import (
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// Update tells a display how far a run is. Exactly one of its parts is set.
type Update struct {
	// Note is a line of its own: what has been prepared, what was decided.
	Note string
	// Preparing is what is under way, until the next Preparing, Started or
	// Ended.
	Preparing *Preparation
	// Started and Ended bracket a trial; Ended carries its record, or that of a
	// preparation, and Log is the path of its log.
	Started *trial.Trial
	Ended   *results.Record
	Log     string
	// Now is the phase of the running trial or preparation that began last.
	Now trial.Phase
	// Done and Total count trials, Left estimates the time they still take
	// (0 while nothing is known); they are set with Started and Ended.
	Done, Total int
	Left        time.Duration
}

// Preparation is work that may take minutes and is no trial. The zero value is
// none.
type Preparation struct {
	// What names it, and Detail what of it is under way: its clock goes on
	// while only Detail changes.
	What, Detail string
	// Takes estimates how long all of it takes; 0 is unknown.
	Takes time.Duration
}
