package spec

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/testreport"
	"github.com/stratbench/stratbench/strategies"
)

var update = flag.Bool("update", false, "write the generated schemas")

func TestSchemasAreCurrent(t *testing.T) {
	for name, of := range map[string]any{"schema.json": Spec{}, "workload.schema.json": Workload{}} {
		want := generate(t, of)
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the types say; run: go generate ./experiments/spec", name)
		}
	}
}

func TestSchemaReturnsACopy(t *testing.T) {
	Schema()[0] = 'x'
	if !json.Valid(Schema()) || !json.Valid(WorkloadSchema()) {
		t.Error("an embedded schema is not JSON")
	}
}

func generate(t *testing.T, of any) []byte {
	t.Helper()
	r := jsonschema.Reflector{
		DoNotReference:             true,
		Anonymous:                  true,
		RequiredFromJSONSchemaTags: true,
		Mapper:                     mapped,
		CommentMap:                 map[string]string{},
	}
	comments(t, ".", reflect.TypeOf(Spec{}).PkgPath(), r.CommentMap)
	comments(t, "../../strategies", reflect.TypeOf(strategies.Own{}).PkgPath(), r.CommentMap)
	comments(t, "../../internal/trial", reflect.TypeOf(trial.Hypothesis{}).PkgPath(), r.CommentMap)
	text, err := json.MarshalIndent(r.Reflect(of), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// mapped returns the schemas of types whose text in a file is not their form in Go.
func mapped(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[trial.Bytes]():
		return &jsonschema.Schema{Type: "string", Format: formatMemory, Examples: []any{"7GiB", "12.5GiB"}}
	case reflect.TypeFor[trial.Share]():
		return &jsonschema.Schema{Format: formatShare, Examples: []any{"5%", 0.1}, Extras: map[string]any{"type": []string{"string", "number"}}}
	case reflect.TypeFor[Duration](), reflect.TypeFor[time.Duration]():
		return durationSchema()
	case reflect.TypeFor[PhaseLimits]():
		return byPhase(durationSchema())
	case reflect.TypeFor[Marks]():
		return byPhase(markSchema())
	case reflect.TypeFor[Hooks]():
		return byPhase(hookSchema())
	case reflect.TypeFor[[]trial.Factor]():
		return factorsSchema()
	case reflect.TypeFor[trial.Levels]():
		return levelsSchema()
	case reflect.TypeFor[trial.HypothesisKind]():
		return enum(trial.HypothesisKinds())
	case reflect.TypeFor[trial.Runtime]():
		return enum(trial.Runtimes())
	case reflect.TypeFor[trial.Phase]():
		return enum(trial.Phases())
	case reflect.TypeFor[trial.Outcome]():
		return enum(trial.Outcomes())
	case reflect.TypeFor[InjectionKind]():
		return enum(InjectionKinds())
	case reflect.TypeFor[testreport.Format]():
		return enum(testreport.Formats())
	}
	return nil
}

func durationSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Format: formatDuration, Examples: []any{"90s", "20m", "1h30m"}}
}

// byPhase is a mapping from phases to values of the schema.
func byPhase(of *jsonschema.Schema) *jsonschema.Schema {
	o := object(nil)
	for _, phase := range trial.Phases() {
		o.Properties.Set(string(phase), of)
	}
	return o
}

// object is a mapping with these keys and no others.
func object(properties map[string]*jsonschema.Schema, required ...string) *jsonschema.Schema {
	o := &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties(), Required: required, AdditionalProperties: jsonschema.FalseSchema}
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		o.Properties.Set(key, properties[key])
	}
	return o
}

var one = uint64(1)

func markSchema() *jsonschema.Schema {
	return object(map[string]*jsonschema.Schema{
		"start": {Type: "string", MinLength: &one, Description: "A regular expression, found in the line with which the phase begins."},
		"end": {Type: "string", MinLength: &one,
			Description: "A regular expression, found in the line with which it ends. Without one, it ends when the next phase begins, or with the command."},
	}, "start")
}

func hookSchema() *jsonschema.Schema {
	command := func(when string) *jsonschema.Schema {
		return &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Type: "string"}, MinItems: &one,
			Description: "A program and its arguments, run at the " + when + " of the phase."}
	}
	return object(map[string]*jsonschema.Schema{"before": command("beginning"), "after": command("end")})
}

func enum[T ~string](values []T) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, v := range values {
		s.Enum = append(s.Enum, string(v))
	}
	return s
}

// factorsSchema is a mapping from settings to lists of levels; a level is a
// scalar, or a name with a value of any kind.
func factorsSchema() *jsonschema.Schema {
	named := &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties(),
		Required: []string{"name", "value"}, AdditionalProperties: jsonschema.FalseSchema}
	named.Properties.Set("name", &jsonschema.Schema{Type: "string", MinLength: &one})
	named.Properties.Set("value", jsonschema.TrueSchema)
	level := &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string", MinLength: &one}, {Type: "number"}, {Type: "boolean"}, named}}
	levels := &jsonschema.Schema{Type: "array", Items: level, MinItems: &one}
	return &jsonschema.Schema{Type: "object", AdditionalProperties: levels, MinProperties: &one}
}

// levelsSchema is a mapping from factors to the name of a level.
func levelsSchema() *jsonschema.Schema {
	level := &jsonschema.Schema{Extras: map[string]any{"type": []string{"string", "number", "boolean"}}}
	return &jsonschema.Schema{Type: "object", AdditionalProperties: level, MinProperties: &one}
}

// comments collects the comments of a package's types and fields, in the form
// that the reflector looks them up.
func comments(t *testing.T, dir, pkg string, into map[string]string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no Go files in %s: %v", dir, err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if gen, ok := decl.(*ast.GenDecl); ok {
				typeComments(gen, pkg, into)
			}
		}
	}
}

func typeComments(gen *ast.GenDecl, pkg string, into map[string]string) {
	for _, spec := range gen.Specs {
		named, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		key := pkg + "." + named.Name.Name
		// A reader of the schema does not know the names of the types.
		into[key] = strings.TrimPrefix(oneLine(gen.Doc.Text()), named.Name.Name+" is ")
		if s, ok := named.Type.(*ast.StructType); ok {
			for _, field := range s.Fields.List {
				for _, name := range field.Names {
					into[key+"."+name.Name] = oneLine(field.Doc.Text())
				}
			}
		}
	}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
