package history

import (
	"bytes"
	_ "embed"
)

// The schemas are generated from the types by a test, which fails when they
// are not current.
//
//go:generate go test -run ^TestSchemasAreCurrent$ -update .

//go:embed check.schema.json
var checkSchema []byte

//go:embed review.schema.json
var reviewSchema []byte

// CheckJSONSchema returns the JSON Schema of a Check.
func CheckJSONSchema() []byte { return bytes.Clone(checkSchema) }

// ReviewJSONSchema returns the JSON Schema of a Review.
func ReviewJSONSchema() []byte { return bytes.Clone(reviewSchema) }
