package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// problem is something wrong with the value at a JSON pointer.
type problem struct {
	pointer string
	// key is true when the key at the pointer is wrong, missing when something
	// below the pointer is absent; the value there is then not wrong itself.
	key, missing bool
	message      string
}

// validate returns all that the schema finds wrong with the value.
func (s schema) validate(value any) []problem {
	var invalid *jsonschema.ValidationError
	if errors.As(s.Validate(value), &invalid) {
		return s.problems(invalid)
	}
	return nil
}

// problems flattens the tree of a validation error to its leaves.
func (s schema) problems(e *jsonschema.ValidationError) []problem {
	if _, ok := e.ErrorKind.(*kind.AnyOf); ok {
		return s.alternatives(e)
	}
	if len(e.Causes) == 0 {
		return s.describe(e)
	}
	var all []problem
	for _, cause := range e.Causes {
		all = append(all, s.problems(cause)...)
	}
	return all
}

// alternatives reports what is wrong with a value that may have several types:
// only the alternative of its own type is of interest.
func (s schema) alternatives(e *jsonschema.ValidationError) []problem {
	for _, cause := range e.Causes {
		if _, wrongType := cause.ErrorKind.(*kind.Type); !wrongType {
			return s.problems(cause)
		}
	}
	pointer := pointerTo(e.InstanceLocation...)
	return []problem{{pointer: pointer, message: dotted(e.InstanceLocation) +
		" is not a level; write a scalar such as 7GiB, or {name: …, value: …}"}}
}

// patterns are the patterns of the schemas in words.
var patterns = map[string]string{
	"^[a-z0-9][a-z0-9-]*$":        "small letters, digits and hyphens, a letter or digit first",
	"^[a-zA-Z0-9][a-zA-Z0-9_-]*$": "letters, digits, hyphens and underscores, a letter or digit first",
}

// describe says what is wrong and what to do about it.
func (s schema) describe(e *jsonschema.ValidationError) []problem {
	at := pointerTo(e.InstanceLocation...)
	here := dotted(e.InstanceLocation)
	one := func(format string, args ...any) []problem {
		return []problem{{pointer: at, message: here + " " + fmt.Sprintf(format, args...)}}
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		return s.unknownKeys(e, k.Properties)
	case *kind.Required:
		var all []problem
		for _, missing := range k.Missing {
			all = append(all, problem{pointer: at, missing: true, message: fmt.Sprintf("%s is missing; add it", dotted(append(slices.Clone(e.InstanceLocation), missing)))})
		}
		return all
	case *kind.Type:
		return one("%s", s.wrongType(e, k))
	case *kind.Enum:
		known := texts(k.Want)
		return one("is %q, which is not known; %s", fmt.Sprint(k.Got), suggest(fmt.Sprint(k.Got), known))
	case *kind.Format:
		return one("is wrong: %v", k.Err)
	case *kind.MinItems, *kind.MinProperties, *kind.MinLength:
		return one("is empty; fill it or remove it")
	case *kind.Pattern:
		return one("is %q, which does not fit %s; use %s", k.Got, k.Want, patterns[k.Want])
	case *kind.Minimum:
		return one("is %s; write a number of at least %s", k.Got.RatString(), k.Want.RatString())
	case *kind.ExclusiveMinimum:
		return one("is %s; write a number above %s", k.Got.RatString(), k.Want.RatString())
	case *kind.Maximum:
		return one("is too large; write a number of at most %s", k.Want.RatString())
	}
	return one("is wrong: %s; see the schema for what is allowed", e.ErrorKind.LocalizedString(message.NewPrinter(language.English)))
}

func (s schema) unknownKeys(e *jsonschema.ValidationError, keys []string) []problem {
	known := slices.Sorted(maps.Keys(properties(s.at(e.SchemaURL))))
	var all []problem
	for _, key := range keys {
		location := append(slices.Clone(e.InstanceLocation), key)
		cure := insteadOf(location)
		if cure == "" {
			cure = suggest(key, known)
		}
		all = append(all, problem{pointer: pointerTo(location...), key: true,
			message: fmt.Sprintf("unknown key %s; %s", dotted(location), cure)})
	}
	return all
}

func (s schema) wrongType(e *jsonschema.ValidationError, k *kind.Type) string {
	if k.Got == "null" {
		return "is empty; give it a value or remove the key"
	}
	cure := "write " + map[string]string{
		"string": "text, in quotes if it looks like something else", "number": "a number", "integer": "a whole number",
		"boolean": "true or false", "array": "a list", "object": "a mapping of keys to values",
	}[k.Want[0]]
	if instead := insteadOf(e.InstanceLocation); instead != "" {
		cure = instead
	}
	switch s.at(e.SchemaURL)["format"] {
	case formatMemory:
		cure = "write a number and a unit, such as 7GiB or 512MiB"
	case formatShare:
		cure = "write a share, such as 5% or 0.05"
	case formatDuration:
		cure = "write a number and a unit, such as 90s, 20m or 1h30m"
	}
	return fmt.Sprintf("is a %s and not a %s; %s", plain(k.Got), plain(k.Want[0]), cure)
}

// plain is a JSON type in the words of people who write YAML.
func plain(jsonType string) string {
	switch jsonType {
	case "object":
		return "mapping"
	case "array":
		return "list"
	case "string":
		return "text"
	case "integer":
		return "whole number"
	}
	return jsonType
}

func texts(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = fmt.Sprint(v)
	}
	return out
}

// dotted is how a message calls the value at a location: settings.build.noCache.
func dotted(location []string) string {
	if len(location) == 0 {
		return "the document"
	}
	return strings.Join(location, ".")
}

// at returns the part of the schema at a URL such as
// "file:///…/schema.json#/properties/design".
func (s schema) at(url string) map[string]any {
	_, fragment, _ := strings.Cut(url, "#")
	var node any = s.tree
	for _, part := range strings.Split(fragment, "/") {
		if part == "" {
			continue
		}
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch here := node.(type) {
		case map[string]any:
			node = here[part]
		case []any:
			if i, err := strconv.Atoi(part); err == nil && i < len(here) {
				node = here[i]
			}
		}
	}
	found, _ := node.(map[string]any)
	return found
}

func properties(schema map[string]any) map[string]any {
	p, _ := schema["properties"].(map[string]any)
	return p
}
