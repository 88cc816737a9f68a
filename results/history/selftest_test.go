package history

import (
	"errors"
	"slices"
	"testing"

	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/simulated"
)

func TestSelfTestFindsWhatItPutIn(t *testing.T) {
	dir, h := filled(t, slices.Collect(simulated.Nights("nightly", arms(), enough, 7, nil))...)
	before := snapshot(t, dir)
	s, err := h.SelfTest("nightly", "simulated", detect.DefaultThreshold)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Steps) != 3 || !s.Passed() {
		t.Errorf("self-test %+v", s.Steps)
	}
	if double, failing := s.Steps[1].Nights, s.Steps[2].Nights; double > 3 || failing > 4 {
		t.Errorf("after a quiet history it took %d nights until twice the time was reported and %d for failures, want 3 and 4", double, failing)
	}
	unchanged(t, dir, before)
	if n := len(h.Runs); n != enough {
		t.Errorf("after the self-test there are %d nights", n)
	}
}

func TestASelfTestPassesOnlyIfEveryStepDoes(t *testing.T) {
	found := SelfStep{Want: true, Got: true, Verdict: Regression}
	quiet := SelfStep{Verdict: NoRegression}
	for name, c := range map[string]struct {
		steps []SelfStep
		want  bool
	}{
		"all":           {[]SelfStep{quiet, found}, true},
		"none made":     {nil, false},
		"blind":         {[]SelfStep{quiet, {Want: true, Verdict: NoRegression}}, false},
		"a false alarm": {[]SelfStep{{Got: true, Verdict: Regression}, found}, false},
		// It was found, and yet the check would have let it through.
		"another verdict": {[]SelfStep{{Want: true, Got: true, Verdict: NotFit}}, false},
	} {
		if got := (SelfTested{Steps: c.steps}).Passed(); got != c.want {
			t.Errorf("%s: passed is %v", name, got)
		}
	}
}

func TestSelfTestNeedsNights(t *testing.T) {
	h := recorded(t, nights(3)...)
	if _, err := h.SelfTest("nightly", "simulated", detect.DefaultThreshold); !errors.Is(err, ErrTooShort) {
		t.Errorf("error %v, want ErrTooShort", err)
	}
	if _, err := newHistory(t.TempDir(), later).SelfTest("nightly", "simulated", detect.DefaultThreshold); !errors.Is(err, ErrTooShort) {
		t.Errorf("of an empty history: %v", err)
	}
}
