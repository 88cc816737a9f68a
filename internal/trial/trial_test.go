package trial

import (
	"encoding/json"
	"testing"
	"time"
)

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]Bytes{
		"7GiB": 7 << 30, "12.5GiB": 25 << 29, "512 MiB": 512 << 20, "500MB": 500_000_000,
	} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("ParseBytes(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "7", "seven GiB", "-1GiB", "0B", "1e30GiB"} {
		if got, err := ParseBytes(text); err == nil {
			t.Errorf("ParseBytes(%q) = %d, want an error", text, got)
		}
	}
}

func TestSecondsKeepNanoseconds(t *testing.T) {
	for _, d := range []time.Duration{0, 1, time.Millisecond + 1, 37*time.Minute + 123456789} {
		text, err := json.Marshal(Seconds(d))
		if err != nil {
			t.Fatal(err)
		}
		var back Seconds
		if err := json.Unmarshal(text, &back); err != nil || back.Duration() != d {
			t.Errorf("%v became %s became %v, %v", d, text, back.Duration(), err)
		}
	}
}

func TestUnknownNamesDoNotParse(t *testing.T) {
	var v struct {
		O Outcome
		P Phase
		R Runtime
		S TestStatus
	}
	for _, text := range []string{`{"O":"failed"}`, `{"P":"setup"}`, `{"R":"lxc"}`, `{"S":"flaky"}`} {
		if err := json.Unmarshal([]byte(text), &v); err == nil {
			t.Errorf("%s parsed", text)
		}
	}
	if err := json.Unmarshal([]byte(`{"O":"engine-crash","P":"","R":"podman","S":"pass"}`), &v); err != nil {
		t.Error(err)
	}
}

func TestCellNames(t *testing.T) {
	c := Cell{{"runtime", "podman"}, {"memory", "7GiB"}}
	if c.Key() != "runtime=podman memory=7GiB" || c.String() != "podman 7GiB" {
		t.Errorf("Key = %q, String = %q", c.Key(), c.String())
	}
	if l, ok := c.Level("memory"); l != "7GiB" || !ok {
		t.Errorf("Level(memory) = %q, %v", l, ok)
	}
	if _, ok := c.Level("strategy"); ok {
		t.Error("Level(strategy) found what is not there")
	}
}

func TestOutcomesBelongToPhases(t *testing.T) {
	for _, o := range Outcomes() {
		in := 0
		for _, p := range Phases() {
			if o.In(p) {
				in++
			}
		}
		if in == 0 || (in == 1) != (o.Phase() != "") || !o.In("") || !o.In(o.Phase()) {
			t.Errorf("%s can happen in %d phases and is of the phase %q", o, in, o.Phase())
		}
	}
	if BuildOOM.In(PhaseDeploy) || ClusterHang.In(PhaseBuild) || !PullFailed.In(PhaseTest) {
		t.Error("a phase is wrong")
	}
}
