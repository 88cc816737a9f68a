package trial

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Hypothesis is a statement about the trials of an experiment, written into its spec
// before they run. It is kept with the run, tested as written and reported first.
type Hypothesis struct {
	// Kind is what the hypothesis is about. failures: the trials that of names fail no
	// more often than those that against names, give or take the margin. time: they take
	// at most ratio times as long. leastMemory: the least memory at which at most 5 % of
	// trials fail is lower than that of against, or at most memory.
	Kind HypothesisKind `json:"kind" jsonschema:"required"`
	// Of names the trials that it is about: a level for each of some factors, such as
	// strategy: adaptive.
	Of Levels `json:"of" jsonschema:"required"`
	// Against names the trials with which they are compared.
	Against Levels `json:"against,omitempty"`
	// Where narrows both to levels of other factors, such as runtime: podman. Default:
	// all trials, each compared with those that differ in nothing else.
	Where Levels `json:"where,omitempty"`
	// Margin, of failures, is how much higher the share of failed trials may be and
	// still count as no worse. Default 10%.
	Margin Share `json:"margin,omitempty"`
	// Ratio, of time, is how many times as long they may take at most.
	Ratio float64 `json:"ratio,omitempty" jsonschema:"exclusiveMinimum=0"`
	// Phase, of time, is the phase whose time is compared, such as cluster. Default: the
	// time to ready.
	Phase Phase `json:"phase,omitempty"`
	// Survives, of time, leaves out the settings at which a trial of against failed.
	Survives bool `json:"survives,omitempty"`
	// Memory, of leastMemory, is the limit that must be enough, in the place of
	// against. It is a level of the factor memory.
	Memory string `json:"memory,omitempty" jsonschema:"format=memory"`
}

// HypothesisKind is what a hypothesis is about.
type HypothesisKind string

// The types of hypothesis.
const (
	HypothesisFailures    HypothesisKind = "failures"
	HypothesisTime        HypothesisKind = "time"
	HypothesisLeastMemory HypothesisKind = "leastMemory"
)

// HypothesisKinds lists every HypothesisKind.
func HypothesisKinds() []HypothesisKind {
	return []HypothesisKind{HypothesisFailures, HypothesisTime, HypothesisLeastMemory}
}

// UnmarshalText implements encoding.TextUnmarshaler; unknown names are errors.
func (k *HypothesisKind) UnmarshalText(text []byte) (err error) {
	*k, err = parse("kind of hypothesis", text, HypothesisKinds())
	return err
}

// Levels are the names of levels, by factor. They stand for all cells that have them.
type Levels map[string]string

// UnmarshalJSON reads levels that are texts, numbers or booleans.
func (l *Levels) UnmarshalJSON(b []byte) error {
	var values map[string]any
	if err := json.Unmarshal(b, &values); err != nil {
		return fmt.Errorf("reading levels: %w", err)
	}
	*l = Levels{}
	for factor, value := range values {
		(*l)[factor] = fmt.Sprint(value)
	}
	return nil
}

// In reports whether the cell has all of the levels.
func (l Levels) In(c Cell) bool {
	for factor, level := range l {
		if has, ok := c.Level(factor); !ok || has != level {
			return false
		}
	}
	return true
}

// With is the levels of both.
func (l Levels) With(other Levels) Levels {
	all := Levels{}
	maps.Copy(all, l)
	maps.Copy(all, other)
	return all
}

// String prints the strategy first and by its name alone: "parallel, onCrash serial".
func (l Levels) String() string {
	var parts []string
	for _, factor := range slices.Sorted(maps.Keys(l)) {
		if factor == "strategy" {
			parts = slices.Insert(parts, 0, l[factor])
		} else {
			parts = append(parts, factor+" "+l[factor])
		}
	}
	return strings.Join(parts, ", ")
}
