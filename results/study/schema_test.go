package study_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/study"
)

var update = flag.Bool("update", false, "write the schema anew")

// mapped gives the types that write themselves as JSON their schemas.
func mapped(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[study.Value]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "number"}, {Type: "null"}}}
	case reflect.TypeFor[trial.Seconds]():
		return &jsonschema.Schema{Type: "number"}
	case reflect.TypeFor[trial.Bytes]():
		return &jsonschema.Schema{Type: "integer"}
	}
	return nil
}

func generated(t *testing.T) []byte {
	t.Helper()
	r := jsonschema.Reflector{Mapper: mapped, AllowAdditionalProperties: true}
	const here = "github.com/stratbench/stratbench/results/study"
	for _, folder := range []string{".", "..", "../../internal/trial"} {
		if err := r.AddGoComments(here, folder); err != nil {
			t.Fatal(err)
		}
	}
	s := r.Reflect(&study.Analysis{})
	s.ID, s.Title = "", "analysis.json, which stratbench report --out writes"
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func TestSchemaIsCurrent(t *testing.T) {
	text := generated(t)
	if *update {
		if err := os.WriteFile("schema.json", text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(text, study.JSONSchema()) {
		t.Error("schema.json is not what the types say; write it anew with: go generate ./results/study")
	}
}

func TestAnalysesFollowTheSchema(t *testing.T) {
	doc, err := validator.UnmarshalJSON(bytes.NewReader(study.JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := validator.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	rules, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, times := range []map[string][]float64{
		{"serial": {300, 310, 320, 330, 340}, "parallel": {0, 0}}, {"serial": {0}}, {"serial": {1, 2, 3}},
	} {
		text, err := json.Marshal(analysed(t, run(times, "serial", "parallel")))
		if err != nil {
			t.Fatal(err)
		}
		value, err := validator.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := rules.Validate(value); err != nil {
			t.Errorf("%v: %v", times, err)
		}
	}
}
