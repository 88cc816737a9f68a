package spec

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/stratbench/stratbench/internal/trial"
)

// maxCells keeps a mistyped spec from planning more than anyone could run.
const maxCells = 10_000

// loadFactors reads the factors in the order of the file and checks each of
// their levels in its place.
func (l *loader) loadFactors() {
	cells := 1
	var places []setting
	for _, name := range l.doc.keys["/factors"] {
		pointer := pointerTo("factors", name)
		place, err := findSetting(name)
		if err != nil {
			l.reportKey(pointer, "%v", err)
			continue
		}
		values, _ := lookUp(l.doc.value, pointer).([]any)
		if cells *= max(1, len(values)); cells > maxCells {
			l.reportKey(pointer, "with factor %s there are more than %d cells; take levels out, or make several experiments", name, maxCells)
			return
		}
		for i, other := range places {
			n := min(len(place.path), len(other.path))
			if slices.Equal(place.path[:n], other.path[:n]) { // one is the other or a part of it
				l.reportKey(pointer, "factors %s and %s vary the same setting; keep one of them", l.spec.Factors[i].Name, name)
			}
		}
		places = append(places, place)
		if fixed := pointerTo(place.path...); !place.ofWorkload() && l.doc.has(fixed) {
			l.reportKey(fixed, "settings.%s is also a factor, which would override it; remove one of them", name)
		}
		l.spec.Factors = append(l.spec.Factors, trial.Factor{Name: name, Levels: l.levels(name, pointer, place, values)})
	}
}

func (l *loader) levels(factor, pointer string, place setting, values []any) (levels []trial.Level) {
	for i, value := range values {
		at := fmt.Sprintf("%s/%d", pointer, i)
		level, valueAt := trial.Level{Name: l.doc.text[at], Value: value}, at
		switch v := value.(type) {
		case map[string]any: // {name: …, value: …}
			name, isText := v["name"].(string)
			if _, hasValue := v["value"]; !isText || !hasValue {
				continue // the schema has reported it
			}
			level, valueAt = trial.Level{Name: name, Value: v["value"]}, at+"/value"
		case []any, nil:
			continue // the schema has reported it
		}
		if text, scalar := l.doc.text[valueAt]; scalar && place.schema["type"] == "string" && level.Value != nil {
			level.Value = text // such as 1.10, which is no number then
		}
		if !goodName(level.Name) {
			l.reportValue(at, "%q cannot be the name of a level, because names appear in tables and keys; write {name: …, value: …} with a short name", level.Name)
		}
		if level.Name == "" {
			continue
		}
		if slices.ContainsFunc(levels, func(other trial.Level) bool { return other.Name == level.Name }) {
			l.reportValue(at, "factor %s has the level %q twice; remove one", factor, level.Name)
		}
		l.checkLevel(factor, valueAt, place, level.Value)
		if text, isText := level.Value.(string); isText && place.schema["format"] == formatMemory {
			if n, err := trial.ParseBytes(text); err == nil {
				level.Value = n // the unit that plots need
			}
		}
		levels = append(levels, level)
	}
	return levels
}

// goodName keeps names to a short line. A space and an equals sign together
// could make the keys of two cells the same.
func goodName(name string) bool {
	return len(name) <= 100 && name == strings.TrimSpace(name) && !strings.ContainsFunc(name, unicode.IsControl) &&
		!(strings.Contains(name, " ") && strings.Contains(name, "="))
}

// checkLevel puts a level's value in its place and reports at the level what is
// then wrong there.
func (l *loader) checkLevel(factor, valueAt string, place setting, value any) {
	doc, rules, path := any(map[string]any{"settings": lookUp(l.doc.value, "/settings")}), specRules(), place.path
	if place.ofWorkload() {
		if l.workload == nil {
			return
		}
		doc, rules, path = l.workload.value, workloadRules(), path[1:]
	}
	var with any
	at, err := "", decode(doc, &with)
	if err == nil {
		at, err = locate(with, path)
	}
	if err == nil {
		with, err = put(with, path, value)
	}
	if err != nil {
		// The path leads to an image that the workload does not have: an issue of
		// the factor, the same for each of its levels.
		l.reportKey(pointerTo("factors", factor), "factor %s: %v", factor, err)
		return
	}
	// What is wrong around the level's place is its doing, if nothing was before.
	around := place.ofWorkload() && !l.workloadFaulty
	causes := func(p problem) bool {
		below, is := strings.CutPrefix(p.pointer, at)
		return is && (below == "" || below[0] == '/') || around && strings.HasPrefix(at, p.pointer+"/")
	}
	problems := slices.DeleteFunc(rules.validate(with), func(p problem) bool { return p.absent && !causes(p) })
	if len(problems) == 0 {
		settings, workload := defaultSettings(), defaultWorkload()
		if workload.Dir = l.spec.Workload.Dir; !place.ofWorkload() && decode(lookUp(with, "/settings"), &settings) == nil {
			problems = settings.problems(l.spec)
		} else if place.ofWorkload() && decode(with, &workload) == nil {
			problems = workload.resolve()
		}
	}
	for _, p := range problems {
		if below, in := strings.CutPrefix(p.pointer, at); causes(p) && in {
			l.reportValue(valueAt+below, "level of %s: %s", factor, p.message)
		} else if causes(p) {
			l.reportValue(valueAt, "level of %s: %s", factor, p.message)
		}
	}
}
