package report

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
)

// Phases is the median length of each phase.
func Phases(s study.Study, a study.Analysis) Table {
	t := Table{Title: "Phases", Header: factorHeader(a)}
	for _, p := range trial.Phases() {
		t.Header = append(t.Header, string(p))
	}
	t.Header = append(t.Header, "tests passed")
	stated := false
	for _, c := range a.Cells {
		trials, some := s.Of(c.Cell.Cell), len(c.TestsPassed) > 0
		row := levels(c.Cell.Cell)
		for _, p := range trial.Phases() {
			length := measuredOrStated(c.Phases[p], trials, string(p))
			row, some, stated = append(row, length), some || length != none, stated || len(c.Phases[p]) == 0 && length != none
		}
		if some {
			t.Rows = append(t.Rows, append(row, testsPassed(c.Cell)))
		}
	}
	t.Notes = []string{"Medians of the phases that ended well. " + bracketNote + " Phases may overlap, so that they need not add up to the setup time."}
	if stated {
		t.Notes = append(t.Notes, "Stated: by the source, of the cell's successful trial.")
	}
	return t
}

func phase(values []trial.Seconds) string {
	if len(values) == 0 {
		return none
	}
	return bracketed(study.Summarise(values))
}

const bracketNote = "In brackets: the 95 % order-statistic interval where six or more give one, and else the range; and n."

// bracketed prints a median with its interval, or what it is not bounded by.
func bracketed(t study.Times) string {
	switch {
	case t.N == 0:
		return none
	case t.N == 1:
		return duration(t.Median) + " (n = 1)"
	case t.Interval.Bounded():
		return fmt.Sprintf("%s (95 %%: %s; n = %d)", duration(t.Median), durationInterval(t.Interval), t.N)
	}
	return fmt.Sprintf("%s (%s; n = %d)", duration(t.Median), durationInterval(study.Interval{Lower: t.Low, Upper: t.High}), t.N)
}

// Images is each image's build time beside its time alone, and how near the
// builds came to the least time they could take.
func Images(a study.Analysis) Table {
	t := Table{Title: "Builds and contention", Header: append(factorHeader(a), "at once", "image", "build", "alone", "slowdown (95 % interval)",
		"all builds", "bound", "reached", "CPU used")}
	for _, c := range a.Cells {
		for i, image := range c.Contention.Images {
			row := append(levels(c.Cell.Cell), strconv.Itoa(c.Contention.Concurrency), image.Image,
				bracketed(image.Time), alone(c.Contention, image), slowdown(c.Contention, image))
			b := c.Contention.Bound
			if i == 0 {
				row = append(row, duration(b.Build), duration(b.Bound), wholePercent(b.Reached), wholePercent(c.Contention.CPU))
			} else {
				row = append(row, "", "", "", "")
			}
			t.Rows = append(t.Rows, row)
		}
	}
	t.Notes = []string{"Medians. " + bracketNote + " Alone: built with nothing beside it, in the cell that differs in the strategy only. Bound: the longest image alone, all of them over how many ran at once, or their CPU time over the CPUs, whichever is most. Reached: bound over time taken."}
	return t
}

// wholePercent prints a share that is measured, and no probability.
func wholePercent(v study.Value) string {
	if !v.Finite() {
		return none
	}
	return fmt.Sprintf("%.0f %%", 100*float64(v))
}

// alone is not printed of what was built alone.
func alone(c study.Contention, i study.ImageTime) string {
	if c.Concurrency < 2 {
		return none
	}
	return bracketed(i.AloneTime)
}

func slowdown(c study.Contention, i study.ImageTime) string {
	if c.Concurrency < 2 {
		return none
	}
	if !i.SlowdownInterval.Bounded() {
		return ratio(i.Slowdown)
	}
	return fmt.Sprintf("%s (%s–%s)", ratio(i.Slowdown), ratio(i.SlowdownInterval.Lower), ratio(i.SlowdownInterval.Upper))
}

// Memory is the peak memory and the highest pressure.
func Memory(a study.Analysis) Table {
	t := Table{Title: "Memory and pressure", Header: append(factorHeader(a), "trials", "peak memory: median (highest)", "CPU stalled", "memory stalled", "I/O stalled")}
	for _, c := range a.Cells {
		if len(c.PeakMemory) == 0 {
			continue
		}
		p := c.Contention.Pressure
		t.Rows = append(t.Rows, append(levels(c.Cell.Cell), strconv.Itoa(len(c.PeakMemory)), peakMemory(c.PeakMemory),
			stalled(p.CPU), stalled(p.Memory), stalled(p.IO)))
	}
	t.Notes = []string{"Peaks of samples a second apart: the true ones lie at or above. Stalled: highest share of time in which some task waited (PSI, ten-second average), median of trials."}
	return t
}

func peakMemory(values []trial.Bytes) string {
	sorted := slices.Sorted(slices.Values(values))
	return fmt.Sprintf("%s (%s)", sorted[len(sorted)/2], sorted[len(sorted)-1])
}

func stalled(v study.Value) string {
	if !v.Finite() {
		return none
	}
	return fmt.Sprintf("%.0f %%", float64(v))
}

// Estimates is what a source states and nobody measured.
func Estimates(a study.Analysis) Table {
	t := Table{Title: "Estimates, not measured", Header: append(factorHeader(a), "setup", "test", "total", "stability as stated", "confidence as stated")}
	for _, e := range a.Estimates {
		i := e.Imported
		t.Rows = append(t.Rows, append(levels(e.Cell), statedRange(i, "setup"), statedRange(i, "test"), statedRange(i, "total"),
			orNone(i.Stability), statedConfidence(i)))
	}
	t.Notes = []string{"ESTIMATE: nobody measured these figures; they enter no other table, comparison or decision."}
	return t
}

func statedRange(i results.Imported, of string) string {
	for _, s := range i.Stated {
		if s.Of == of && s.Low == s.High {
			return Seconds(s.Low)
		}
		if s.Of == of {
			return Seconds(s.Low) + " to " + Seconds(s.High)
		}
	}
	return none
}

func orNone(text string) string {
	if text == "" {
		return none
	}
	return text
}

func statedConfidence(i results.Imported) string {
	if i.Confidence == nil {
		return none
	}
	return fmt.Sprintf("%.0f %%", 100**i.Confidence)
}
