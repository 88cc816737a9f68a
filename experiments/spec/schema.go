package spec

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

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

// schema is a JSON Schema, to validate with and to look things up in.
type schema struct {
	*jsonschema.Schema
	tree map[string]any
}

var (
	specRules     = sync.OnceValue(func() schema { return mustCompile("schema.json", specSchema) })
	workloadRules = sync.OnceValue(func() schema { return mustCompile("workload.schema.json", workloadSchema) })
)

// mustCompile panics when the embedded schema is broken, which a test would
// have shown.
func mustCompile(name string, text []byte) schema {
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		panic(fmt.Errorf("embedded %s: %w", name, err))
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.RegisterFormat(&jsonschema.Format{Name: formatMemory, Validate: onText(func(s string) error {
		_, err := trial.ParseBytes(s)
		return err
	})})
	c.RegisterFormat(&jsonschema.Format{Name: formatDuration, Validate: onText(func(s string) error {
		_, err := parseDuration(s)
		return err
	})})
	c.RegisterFormat(&jsonschema.Format{Name: formatShare, Validate: func(v any) error {
		switch v.(type) {
		case string, float64, int, json.Number:
			_, err := trial.ParseShare(fmt.Sprint(v))
			return err
		}
		return nil // the schema's type says so
	}})
	if err := c.AddResource(name, tree); err != nil {
		panic(fmt.Errorf("embedded %s: %w", name, err))
	}
	return schema{c.MustCompile(name), tree.(map[string]any)}
}

// onText leaves values that are no text to the schema's type.
func onText(check func(string) error) func(any) error {
	return func(v any) error {
		if s, ok := v.(string); ok {
			return check(s)
		}
		return nil
	}
}

// decode moves a JSON value into a Go value, over what stands there.
func decode(value, into any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
