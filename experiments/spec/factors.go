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
	for _, name := range l.doc.keys["/factors"] {
		pointer := pointerTo("factors", name)
		place, err := findSetting(name)
		if err != nil {
			l.report(l.doc, []problem{{pointer: pointer, key: true, message: err.Error()}})
			continue
		}
		values, _ := l.doc.valueAt("factors", name).([]any)
		if cells = cells * max(1, len(values)); cells > maxCells {
			l.report(l.doc, []problem{{pointer: pointer, key: true,
				message: fmt.Sprintf("with factor %s there are more than %d cells; take levels out, or make several experiments", name, maxCells)}})
			return
		}
		l.checkPlace(name, pointer, place)
		l.resolved = append(l.resolved, place)
		l.spec.Factors = append(l.spec.Factors, trial.Factor{Name: name, Levels: l.levels(name, pointer, place, values)})
	}
}

// checkPlace reports a setting that is given twice: as a factor and by another
// factor or under settings.
func (l *loader) checkPlace(name, pointer string, place setting) {
	for i, other := range l.resolved {
		if place.overlaps(other) {
			l.report(l.doc, []problem{{pointer: pointer, key: true,
				message: fmt.Sprintf("factors %s and %s vary the same setting; keep one of them", l.spec.Factors[i].Name, name)}})
		}
	}
	if fixed := pointerTo(append([]string{"settings"}, place.path...)...); !place.ofWorkload && l.doc.has(fixed) {
		l.report(l.doc, []problem{{pointer: fixed, key: true,
			message: fmt.Sprintf("settings.%s is also a factor, which would win; remove one of them", name)}})
	}
}

func (l *loader) levels(factor, pointer string, place setting, values []any) []trial.Level {
	var levels []trial.Level
	for i := range values {
		at := fmt.Sprintf("%s/%d", pointer, i)
		level, valueAt, ok := l.level(at, values[i], place)
		if !ok {
			continue
		}
		if slices.ContainsFunc(levels, func(other trial.Level) bool { return other.Name == level.Name }) {
			l.report(l.doc, []problem{{pointer: at, message: fmt.Sprintf("factor %s has the level %q twice; remove one", factor, level.Name)}})
		}
		l.checkLevel(factor, valueAt, place, level.Value)
		level.Value = decoded(level.Value, place)
		levels = append(levels, level)
	}
	return levels
}

// level reads one level, a scalar or {name: …, value: …}, and says where its
// value stands. What is neither has been reported by the schema.
func (l *loader) level(at string, value any, place setting) (trial.Level, string, bool) {
	level := trial.Level{Name: l.doc.text[at], Value: value}
	valueAt := at
	if named, ok := value.(map[string]any); ok {
		name, isText := named["name"].(string)
		if _, hasValue := named["value"]; !isText || !hasValue {
			return level, at, false
		}
		valueAt = at + "/value"
		level = trial.Level{Name: name, Value: named["value"]}
	} else if _, isList := value.([]any); isList || value == nil {
		return level, at, false
	}
	if text, scalar := l.doc.text[valueAt]; scalar && place.isText() && level.Value != nil {
		level.Value = text
	}
	if !goodName(level.Name) {
		l.report(l.doc, []problem{{pointer: at, message: fmt.Sprintf("%q cannot be the name of a level, which stands in tables and keys; write {name: …, value: …} with a short name", level.Name)}})
	}
	return level, valueAt, level.Name != ""
}

// goodName keeps names to a short line. A space and an equals sign together
// could make the keys of two cells the same.
func goodName(name string) bool {
	return len(name) <= 100 && name == strings.TrimSpace(name) && !strings.ContainsFunc(name, unicode.IsControl) &&
		!(strings.Contains(name, " ") && strings.Contains(name, "="))
}

// decoded gives a level's value in the unit that plots need.
func decoded(value any, place setting) any {
	text, isText := value.(string)
	if place.schema["format"] == formatMemory && isText {
		if n, err := trial.ParseBytes(text); err == nil {
			return n
		}
	}
	return value
}

// valueAt returns what stands under the keys, or nil.
func (d *document) valueAt(keys ...string) any {
	value := d.value
	for _, key := range keys {
		mapping, _ := value.(map[string]any)
		value = mapping[key]
	}
	return value
}
