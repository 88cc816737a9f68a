package report

import (
	"fmt"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// Seconds prints a duration with the precision that a reader can use:
// 0.42 s, 12.3 s, 4 min 05 s.
func Seconds(s trial.Seconds) string {
	d := s.Duration()
	switch {
	case d < 0:
		return "-" + Seconds(-s)
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Hour:
		d = d.Round(time.Second)
		return fmt.Sprintf("%d min %02d s", d/time.Minute, d%time.Minute/time.Second)
	default:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%d h %02d min", d/time.Hour, d%time.Hour/time.Minute)
	}
}
