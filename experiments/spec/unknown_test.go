package spec

import "testing"

func TestSuggest(t *testing.T) {
	known := []string{"memory", "runtime", "strategy", "noCache"}
	for name, want := range map[string]string{
		"memroy":  "did you mean memory?",
		"nocache": "did you mean noCache?",
		"memory2": "did you mean memory?",
		"stratgy": "did you mean strategy?",
		"x":       "known are memory, runtime, strategy, noCache",
		"":        "known are memory, runtime, strategy, noCache",
		"budget":  "known are memory, runtime, strategy, noCache",
	} {
		if got := suggest(name, known); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
	if got := suggest("x", nil); got != "none is known here" {
		t.Errorf("without known names: %s", got)
	}
}
