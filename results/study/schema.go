package study

import (
	"bytes"
	_ "embed"
)

// The schema is generated from the types by a test, which fails when it is
// not current.
//
//go:generate go test -run ^TestSchemaIsCurrent$ -update .

//go:embed schema.json
var schema []byte

// JSONSchema returns the JSON Schema of an Analysis.
func JSONSchema() []byte { return bytes.Clone(schema) }
