package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// setting is what a factor varies: a place in the settings or the workload.
type setting struct {
	// ofWorkload is true for a place in the workload.
	ofWorkload bool
	// path leads there, key by key; an element of a list goes by its name.
	path []string
	// schema is what may stand there.
	schema map[string]any
}

const workloadPrefix = "workload."

// findSetting resolves the name of a factor. The error says which part of the
// name is unknown and what is known instead.
func findSetting(factor string) (setting, error) {
	if rest, ok := strings.CutPrefix(factor, workloadPrefix); ok {
		s, err := follow(workloadRules().tree, rest)
		s.ofWorkload = true
		if last := len(s.path) - 1; err == nil && (rest == "apiVersion" || last == 2 && s.path[0] == "images" && s.path[last] == "name") {
			err = fmt.Errorf("%s cannot be varied, since it is what things are found by; vary another setting", factor)
		}
		return s, err
	}
	return follow(specRules().at("#/properties/settings"), factor)
}

func follow(schema map[string]any, factor string) (setting, error) {
	s := setting{schema: schema}
	for rest := factor; rest != ""; {
		var key string
		key, rest, _ = strings.Cut(rest, ".")
		if free, ok := s.schema["additionalProperties"].(map[string]any); ok && free["type"] == "string" && rest != "" {
			// The keys of such a mapping are the user's own and may have dots.
			key, rest = key+"."+rest, ""
		}
		next, err := child(s.schema, key)
		if factor == "workload" {
			err = errors.New("a whole workload is no level; vary a part of it, such as workload.images.api.args.MODE, or make an experiment for each")
		}
		if err != nil {
			return s, fmt.Errorf("factor %s names no setting: %w", factor, err)
		}
		s.path, s.schema = append(s.path, key), next
	}
	if len(s.path) == 0 || strings.HasSuffix(factor, ".") {
		return s, fmt.Errorf("factor %q names no setting; write a dotted path such as memory or build.noCache", factor)
	}
	return s, nil
}

// child is what may stand under a key.
func child(schema map[string]any, key string) (map[string]any, error) {
	if p, ok := properties(schema)[key].(map[string]any); ok {
		return p, nil
	}
	if free, ok := schema["additionalProperties"].(map[string]any); ok {
		return free, nil
	}
	if anything(schema) {
		return map[string]any{}, nil
	}
	if items, ok := schema["items"].(map[string]any); ok && properties(items)["name"] != nil {
		return items, nil
	}
	return nil, fmt.Errorf("%q is unknown; %s", key, suggest(key, slices.Sorted(maps.Keys(properties(schema)))))
}

// anything says whether keys of any name and depth may stand there, as in the
// values of a chart. What stands below them has no schema.
func anything(schema map[string]any) bool {
	return len(schema) == 0 || schema["type"] == "object" && schema["properties"] == nil && schema["additionalProperties"] == nil
}

// isText says whether text stands there, so that a level such as 1.10 is
// meant as written.
func (s setting) isText() bool { return s.schema["type"] == "string" }

// overlaps says whether one of the two settings is the other or a part of it.
func (s setting) overlaps(other setting) bool {
	n := min(len(s.path), len(other.path))
	return s.ofWorkload == other.ofWorkload && slices.Equal(s.path[:n], other.path[:n])
}

// pointer is the setting's JSON pointer in doc, the settings or the workload.
func (s setting) pointer(doc any) (string, error) {
	var parts []string
	for _, key := range s.path {
		switch here := doc.(type) {
		case []any:
			i, err := elementNamed(here, key)
			if err != nil {
				return "", err
			}
			parts, doc = append(parts, fmt.Sprint(i)), here[i]
		case map[string]any:
			parts, doc = append(parts, key), here[key]
		default:
			parts, doc = append(parts, key), nil
		}
	}
	return pointerTo(parts...), nil
}

// put returns doc with value in the setting's place. Mappings on the way are
// made where they are missing; doc itself is changed.
func (s setting) put(doc, value any) (any, error) { return put(doc, s.path, value) }

func put(doc any, path []string, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	if list, ok := doc.([]any); ok {
		i, err := elementNamed(list, path[0])
		if err != nil {
			return nil, err
		}
		list[i], err = put(list[i], path[1:], value)
		return list, err
	}
	mapping, ok := doc.(map[string]any)
	if !ok || mapping == nil {
		mapping = map[string]any{}
	}
	below, err := put(mapping[path[0]], path[1:], value)
	mapping[path[0]] = below
	return mapping, err
}

// elementNamed finds a list's element by its key "name".
func elementNamed(list []any, name string) (int, error) {
	var known []string
	for i, element := range list {
		mapping, ok := element.(map[string]any)
		if !ok {
			continue
		}
		text, ok := mapping["name"].(string)
		if ok && text == name {
			return i, nil
		} else if ok {
			known = append(known, text)
		}
	}
	return 0, fmt.Errorf("nothing here is named %q; %s", name, suggest(name, known))
}
