package analyse_test

import (
	"testing"

	"github.com/stratbench/stratbench/results/analyse"
)

// Fisher needs 5 an arm for 0.02 against 0.9 and 18 for 0.02 against 0.4
// (R's power.fisher.test); Boschloo needs no more.
func TestReplicatesForFailureRates(t *testing.T) {
	for high, fisher := range map[float64]int{0.9: 5, 0.4: 18} {
		c, err := analyse.Power(analyse.PowerQuestion{Low: 0.02, High: high, Ratio: 0.9, Spread: 0.1})
		if err != nil || c.EnoughRates == 0 || c.EnoughRates > fisher {
			t.Errorf("%v: %d replicates, Fisher needs %d; %v", high, c.EnoughRates, fisher, err)
		}
	}
}

// Fewer than 6 blocks cannot give a two-sided p of 0.05 by permutation.
func TestFewBlocksHaveNoPowerForTimes(t *testing.T) {
	c, err := analyse.Power(analyse.PowerQuestion{Low: 0, High: 0.5, Ratio: 0.1, Spread: 0.01})
	if err != nil || c.EnoughTimes != 6 {
		t.Errorf("%d replicates, want 6; %v", c.EnoughTimes, err)
	}
}

func TestPowerRefusesWhatIsNoQuestion(t *testing.T) {
	for _, q := range []analyse.PowerQuestion{{Low: 0.5, High: 0.2, Ratio: 2}, {Low: -1, High: 0.5, Ratio: 2}, {Low: 0, High: 0.5, Ratio: 1}, {Low: 0, High: 0.5, Ratio: -2}} {
		if _, err := analyse.Power(q); err == nil {
			t.Errorf("%+v was answered", q)
		}
	}
}

// A run that stops when decided takes fewer blocks on average than one of fixed
// length, and finds more.
func TestStoppingTakesFewerBlocks(t *testing.T) {
	c, err := analyse.Power(analyse.PowerQuestion{Low: 0.05, High: 0.4, Ratio: 0.8})
	if err != nil || c.Stopping == nil {
		t.Fatal(c, err)
	}
	if s := c.Stopping; !(float64(s.Mean) < 0.9*float64(c.EnoughRates)) || s.Power < 0.85 || s.Most <= c.EnoughRates {
		t.Errorf("%+v, fixed %d", s, c.EnoughRates)
	}
	many, err := analyse.Power(analyse.PowerQuestion{Low: 0.05, High: 0.2, Ratio: 0.8})
	if err != nil || many.Stopping != nil {
		t.Errorf("%+v, %v", many.Stopping, err)
	}
}
