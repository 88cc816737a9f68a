package history

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
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/simulated"
	"github.com/stratbench/stratbench/results/study"
)

var update = flag.Bool("update", false, "write the schemas anew")

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

func generated(t *testing.T, of any, title string) []byte {
	t.Helper()
	r := jsonschema.Reflector{Mapper: mapped, AllowAdditionalProperties: true}
	const here = "github.com/stratbench/stratbench/results/history"
	for _, folder := range []string{".", "../study", "../../internal/trial"} {
		if err := r.AddGoComments(here, folder); err != nil {
			t.Fatal(err)
		}
	}
	s := r.Reflect(of)
	s.ID, s.Title = "", title
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func TestSchemasAreCurrent(t *testing.T) {
	for _, c := range []struct {
		file, title string
		of          any
		current     []byte
	}{
		{"check.schema.json", "What stratbench check --output json writes", &Check{}, CheckJSONSchema()},
		{"review.schema.json", "What stratbench history --output json writes", &Review{}, ReviewJSONSchema()},
	} {
		text := generated(t, c.of, c.title)
		if *update {
			if err := os.WriteFile(c.file, text, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !bytes.Equal(text, c.current) {
			t.Errorf("%s is not what the types say; write it anew with: go generate ./results/history", c.file)
		}
	}
}

func validate(t *testing.T, schema []byte, value any) {
	t.Helper()
	parsed, err := validator.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := validator.NewCompiler()
	if err := compiler.AddResource("schema.json", parsed); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := validator.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(instance); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestWhatIsWrittenIsValid(t *testing.T) {
	empty := check(newHistory(t.TempDir(), later))
	validate(t, CheckJSONSchema(), empty)
	h, c := judged(t, enough, func(night int, n *simulated.Night) {
		if night == enough-3 {
			n.Arms[0].Median *= 1.4
			n.Engine = "1.1.0"
		}
	})
	validate(t, CheckJSONSchema(), c)
	validate(t, ReviewJSONSchema(), h.Review("nightly", "simulated", Pattern{}, detect.DefaultThreshold))
}
