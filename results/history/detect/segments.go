package detect

import "github.com/stratbench/stratbench/results/analyse/stats"

// Segment is a stretch of nights without a change, from Start until before
// End.
type Segment struct {
	Start, End int
	Typical    float64 // median of the nights, or rate
}

// Change is one between two segments of a series.
type Change struct {
	Night int     // first of the segment after it
	P     float64 // of this change in this series alone
	// Adjusted is P adjusted for all changes tested in all series, after Holm.
	Adjusted float64
	Ratio    float64        // of the segment after to the one before
	CI       stats.Interval // 95 %
}

// Segmentation is a series cut at its changes.
type Segmentation struct {
	Segments []Segment // one more than changes
	Changes  []Change
}

// Segments cuts every series at its changes, looking back over all nights.
// The result is in the order of the series.
func Segments(m Matrix, o Options) ([]Segmentation, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	return make([]Segmentation, len(m.Series)), nil
}
