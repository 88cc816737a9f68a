package spec

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/trial"
)

// The schemas are generated from the types by a test, which fails when they
// are not current: go generate ./experiments/spec.
//
//go:generate go test -run ^TestSchemasAreCurrent$ -update .

//go:embed schema.json
var specSchema []byte

//go:embed workload.schema.json
var workloadSchema []byte

// Schema returns the JSON Schema of a spec.
func Schema() []byte { return bytes.Clone(specSchema) }

// WorkloadSchema returns the JSON Schema of a workload file.
func WorkloadSchema() []byte { return bytes.Clone(workloadSchema) }

// The formats that the schemas use beyond those of JSON Schema.
const (
	formatMemory   = "memory"
	formatDuration = "go-duration"
	formatShare    = "share"
)

// formats has for each format how a value is read, and what to write instead of a
// value of another type.
var formats = map[string]struct {
	check func(string) error
	cure  string
}{
	formatMemory:   {func(s string) error { _, err := trial.ParseBytes(s); return err }, "write a number and a unit, such as 7GiB or 512MiB"},
	formatDuration: {func(s string) error { _, err := parseDuration(s); return err }, "write a number and a unit, such as 90s, 20m or 1h30m"},
	formatShare:    {func(s string) error { _, err := trial.ParseShare(s); return err }, "write a share, such as 5% or 0.05"},
}

// patterns are the patterns of the schemas in words.
var patterns = map[string]string{
	"^[a-z0-9][a-z0-9-]*$":        "small letters, digits and hyphens, a letter or digit first",
	"^[a-zA-Z0-9][a-zA-Z0-9_-]*$": "letters, digits, hyphens and underscores, a letter or digit first",
}

// types are the types of JSON in the words of people who write YAML, and what to
// write instead of a value of another type.
var types = map[string]struct{ name, cure string }{
	"string":  {"text", "write text, in quotes if it looks like something else"},
	"number":  {"number", "write a number"},
	"integer": {"whole number", "write a whole number"},
	"boolean": {"boolean", "write true or false"},
	"array":   {"list", "write a list, such as [one, two]"},
	"object":  {"mapping", "write a mapping of keys to values"},
}

// schema is a JSON Schema, to validate with and to look things up in.
type schema struct {
	compiled *jsonschema.Schema
	tree     map[string]any
}

var (
	specRules     = sync.OnceValue(func() schema { return mustCompile("schema.json", specSchema) })
	workloadRules = sync.OnceValue(func() schema { return mustCompile("workload.schema.json", workloadSchema) })
)

// mustCompile panics if the embedded schema is broken, which the tests would show.
func mustCompile(name string, text []byte) schema {
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		panic(fmt.Errorf("embedded %s: %w", name, err))
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for name, f := range formats {
		c.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(v any) error { return f.check(fmt.Sprint(v)) }})
	}
	if err := c.AddResource(name, tree); err != nil {
		panic(fmt.Errorf("embedded %s: %w", name, err))
	}
	return schema{c.MustCompile(name), tree.(map[string]any)}
}

// MostReplicates is the highest design.replicates of a spec.
func MostReplicates() int {
	most, _ := lookUp(specRules().tree, "/properties/design/properties/replicates/maximum").(json.Number)
	n, _ := most.Int64() // the tests would show a schema without it
	return int(n)
}

// decode moves a JSON value into a Go value, over what is there.
func decode(value, into any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// problem is something wrong with the value at a JSON pointer.
type problem struct {
	pointer string
	// key is true if it is the key at the pointer that is wrong.
	key bool
	// absent is true if something is missing below the pointer, or the value there
	// is empty; the value is then not wrong itself.
	absent bool
	// of is empty, or points to what causes the problem if it was taken out.
	of      string
	message string
}

// validate returns everything that the schema finds wrong with the value.
func (s schema) validate(value any) []problem {
	if invalid, is := errors.AsType[*jsonschema.ValidationError](s.compiled.Validate(value)); is {
		return s.problems(invalid)
	}
	return nil
}

// problems flattens the tree of a validation error to its leaves.
func (s schema) problems(e *jsonschema.ValidationError) (all []problem) {
	causes := e.Causes
	if _, ok := e.ErrorKind.(*kind.AnyOf); ok { // of the types that a value may have, only its own matters
		causes = slices.DeleteFunc(slices.Clone(causes), func(cause *jsonschema.ValidationError) bool {
			_, otherType := cause.ErrorKind.(*kind.Type)
			return otherType
		})
		causes = causes[:min(1, len(causes))]
	}
	if len(causes) == 0 {
		return s.describe(e)
	}
	for _, cause := range causes {
		all = append(all, s.problems(cause)...)
	}
	return all
}

// describe words what is wrong, and what to do about it.
func (s schema) describe(e *jsonschema.ValidationError) (all []problem) {
	p := problem{pointer: pointerTo(e.InstanceLocation...)}
	say := func(format string, args ...any) []problem {
		p.message = dotted(e.InstanceLocation) + " " + fmt.Sprintf(format, args...)
		return []problem{p}
	}
	_, fragment, _ := strings.Cut(e.SchemaURL, "#")
	rule, _ := lookUp(s.tree, fragment).(map[string]any)
	switch k := e.ErrorKind.(type) {
	case *kind.AnyOf:
		return say("is not a level; write a scalar such as 7GiB, or {name: …, value: …}")
	case *kind.AdditionalProperties:
		properties, _ := rule["properties"].(map[string]any)
		for _, key := range k.Properties {
			location := append(slices.Clone(e.InstanceLocation), key)
			cure := cmp.Or(s.misplaced(location), insteadOf(location), suggest(key, slices.Sorted(maps.Keys(properties))))
			all = append(all, problem{pointer: pointerTo(location...), key: true, message: fmt.Sprintf("unknown key %s; %s", dotted(location), cure)})
		}
		return all
	case *kind.Required:
		for _, key := range k.Missing {
			all = append(all, problem{pointer: p.pointer, absent: true, message: dotted(append(slices.Clone(e.InstanceLocation), key)) + " is missing; add it"})
		}
		return all
	case *kind.Type:
		if k.Got == "null" {
			return say("is empty; give it a value or remove the key")
		}
		format, _ := rule["format"].(string)
		above := e.InstanceLocation[:max(0, len(e.InstanceLocation)-1)]
		return say("is a %s and not a %s; %s", types[k.Got].name, types[k.Want[0]].name,
			cmp.Or(formats[format].cure, insteadOf(e.InstanceLocation), shape(e.InstanceLocation, rule), insteadOf(above), types[k.Want[0]].cure))
	case *kind.Enum:
		known := make([]string, len(k.Want))
		for i, want := range k.Want {
			known[i] = fmt.Sprint(want)
		}
		got := fmt.Sprint(k.Got)
		cure := suggest(got, known)
		if more := insteadOf(e.InstanceLocation); more != "" && issue.Nearest(got, known) == "" {
			cure += "; " + more
		}
		return say("is %q, which is not known; %s", got, cure)
	case *kind.Format:
		return say("is wrong: %v", k.Err)
	case *kind.MinItems, *kind.MinProperties, *kind.MinLength:
		p.absent = true
		if s.required(fragment) {
			return say("is empty; fill it")
		}
		return say("is empty; fill it or remove it")
	case *kind.Pattern:
		return say("is %q, which does not fit %s; use %s", k.Got, k.Want, patterns[k.Want])
	case *kind.Minimum:
		return say("is %s; write a number of at least %s", k.Got.RatString(), k.Want.RatString())
	case *kind.ExclusiveMinimum:
		return say("is %s; write a number above %s", k.Got.RatString(), k.Want.RatString())
	case *kind.Maximum:
		return say("is too large; write a number of at most %s", k.Want.RatString())
	}
	return say("is wrong: %s; see the schema for what is allowed", e.ErrorKind.LocalizedString(message.NewPrinter(language.English)))
}

// shape returns how to write a value that has the wrong type.
func shape(location []string, rule map[string]any) string {
	properties, _ := rule["properties"].(map[string]any)
	items, _ := rule["items"].(map[string]any)
	commands := []string{"command", "before", "after", "prepare", "cleanup"}
	switch last := len(location) - 1; {
	case last < 0:
		return ""
	case slices.Contains(commands, location[last]) && items != nil:
		return "write the program and its arguments as a list, such as [make, e2e], or [sh, -c, \"…\"] for a line of a shell"
	case last > 0 && slices.Contains(commands, location[last-1]):
		return "write each argument as text, in quotes if it looks like something else, and several commands as one: [sh, -c, \"… && …\"]"
	case items["type"] == "object":
		return "write a list, with a hyphen before each entry"
	case len(properties) > 0 && len(properties) <= 15:
		return "write a mapping of " + strings.Join(slices.Sorted(maps.Keys(properties)), ", ")
	}
	return ""
}

// required reports whether the value to which a part of the schema applies must be
// given.
func (s schema) required(fragment string) bool {
	above := strings.LastIndex(fragment, "/properties/")
	if above < 0 {
		return false
	}
	of, _ := lookUp(s.tree, fragment[:above]).(map[string]any)
	keys, _ := of["required"].([]any)
	return slices.Contains(keys, any(keysOf(fragment)[len(keysOf(fragment))-1]))
}

// dotted is what a message calls the value at a location: settings.build.noCache.
func dotted(location []string) string {
	if len(location) == 0 {
		return "the document"
	}
	return strings.Join(location, ".")
}
