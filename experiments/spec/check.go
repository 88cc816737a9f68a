package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/stratbench/stratbench/strategies"
)

// checkLevel puts a level's value in its place, sees what is wrong with that,
// and reports it at the level.
func (l *loader) checkLevel(factor, valueAt string, place setting, value any) {
	problems, at, err := l.problemsWith(place, value)
	if err != nil {
		// The path leads to an image that the workload has not: a fault of the
		// factor, the same for each of its levels.
		l.report(l.doc, []problem{{pointer: pointerTo("factors", factor), key: true, message: fmt.Sprintf("factor %s: %v", factor, err)}})
		return
	}
	for _, p := range problems {
		if below, ok := strings.CutPrefix(p.pointer, at); ok && (below == "" || below[0] == '/') {
			l.report(l.doc, []problem{{pointer: valueAt + below, message: "level of " + factor + ": " + p.message}})
		}
	}
}

// problemsWith returns what is wrong with the settings or the workload once
// value stands in its place, and the pointer of that place.
func (l *loader) problemsWith(place setting, value any) ([]problem, string, error) {
	if place.ofWorkload {
		return l.workloadProblems(place, value)
	}
	var settings any
	if err := decode(l.spec.Settings, &settings); err != nil {
		return nil, "", err
	}
	at := pointerTo(place.path...)
	// The settings as decoded have every key, with values that the schema of a
	// file does not know; so only the level itself is validated.
	alone, err := place.put(nil, value)
	if err != nil {
		return nil, "", err
	}
	if problems := below("/settings", specRules().validate(map[string]any{"settings": alone})); len(problems) > 0 {
		return problems, at, nil
	}
	if settings, err = place.put(settings, value); err != nil {
		return nil, "", err
	}
	with := defaultSettings()
	if err := decode(settings, &with); err != nil {
		return nil, "", err
	}
	return append(with.problems(l.spec.Strategies), with.faultProblem(l.spec.Faults)...), at, nil
}

func (l *loader) workloadProblems(place setting, value any) ([]problem, string, error) {
	if l.workload == nil {
		return nil, "", nil
	}
	var doc any
	if err := decode(l.workload.value, &doc); err != nil {
		return nil, "", err
	}
	at, err := place.pointer(doc)
	if err != nil {
		return nil, "", err
	}
	if doc, err = place.put(doc, value); err != nil {
		return nil, "", err
	}
	if problems := workloadRules().validate(doc); len(problems) > 0 || l.workloadFaulty {
		return problems, at, nil
	}
	with := defaultWorkload()
	if err := decode(doc, &with); err != nil {
		return nil, "", err
	}
	with.Dir = l.spec.Workload.Dir
	return with.resolve(), at, nil
}

// below returns the problems below a pointer, as seen from there.
func below(pointer string, problems []problem) []problem {
	var out []problem
	for _, p := range problems {
		if rest, ok := strings.CutPrefix(p.pointer, pointer); ok {
			p.pointer = rest
			out = append(out, p)
		}
	}
	return out
}

// problems are the faults of settings that a schema cannot see.
func (s Settings) problems(own map[string]strategies.Own) []problem {
	var all []problem
	if known := strategies.Names(own); s.Strategy != "" && !slices.Contains(known, s.Strategy) {
		all = append(all, problem{pointer: "/strategy",
			message: fmt.Sprintf("strategy %q is not known; %s", s.Strategy, suggest(s.Strategy, known))})
	}
	if s.Registry.Prefix != "" {
		if _, err := name.NewRepository(s.Registry.Prefix + "/image"); err != nil || strings.Contains(s.Registry.Prefix, "://") {
			all = append(all, problem{pointer: "/registry/prefix",
				message: fmt.Sprintf("%q is not the place of a registry; write host[:port][/path], such as registry.example.com/bench", s.Registry.Prefix)})
		}
	}
	return all
}

// checkSettings looks at the settings that all cells have in common, and that
// those without a default are given somewhere.
func (l *loader) checkSettings() {
	problems := append(l.spec.Settings.problems(l.spec.Strategies), l.spec.Settings.faultProblem(l.spec.Faults)...)
	for i := range problems {
		problems[i].pointer = "/settings" + problems[i].pointer
	}
	l.report(l.doc, problems)
	for _, needed := range []string{"runtime", "strategy"} {
		if needed == "strategy" && l.workload != nil && l.workload.has("/setup") && len(l.spec.Workload.Images) == 0 {
			continue // nothing is scheduled
		}
		if !l.doc.has("/settings/"+needed) && !l.doc.has("/factors/"+needed) {
			l.report(l.doc, []problem{{pointer: "/settings",
				message: fmt.Sprintf("no %s is given; set settings.%s, or make it a factor", needed, needed)}})
		}
	}
}

// checkStrategies reports what is wrong with the user's own strategies, also
// with those that no cell names.
func (l *loader) checkStrategies() {
	for _, own := range slices.Sorted(maps.Keys(l.spec.Strategies)) {
		at := pointerTo("strategies", own)
		if strategies.BuiltIn(own) {
			l.report(l.doc, []problem{{pointer: at, key: true, message: fmt.Sprintf("strategy %q is built in; give yours another name", own)}})
			continue
		}
		s, err := strategies.Named(own, l.spec.Strategies)
		if err != nil {
			l.report(l.doc, []problem{{pointer: at, message: err.Error()}})
			continue
		}
		if l.workload == nil || l.workloadFaulty || l.spec.Workload.Setup != nil && len(l.spec.Workload.Images) == 0 {
			continue // its images are not known
		}
		_, err = s.Schedule(l.spec.Workload.images())
		for _, one := range split(err) {
			l.report(l.doc, []problem{{pointer: at + "/stages", message: fmt.Sprintf("strategy %q: %v", own, one)}})
		}
	}
}

// split takes joined errors apart.
func split(err error) []error {
	var joined interface{ Unwrap() []error }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &joined):
		return joined.Unwrap()
	}
	return []error{err}
}
