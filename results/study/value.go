package study

import (
	"encoding/json"
	"math"

	"github.com/stratbench/stratbench/results/stats"
)

// Value is a figure that may not exist. In JSON it is a number, or null where
// it is infinite or undefined; the field's description says which.
type Value float64

// MarshalJSON writes null for what JSON has no number for.
func (v Value) MarshalJSON() ([]byte, error) {
	if !v.Finite() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(v))
}

// UnmarshalJSON reads null as not a number.
func (v *Value) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*v = Value(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(v))
}

// Finite is false for what is infinite or undefined.
func (v Value) Finite() bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }

// none is a value that does not exist.
var none = Value(math.NaN())

// Interval is a confidence interval; a null end means that the data put no
// bound on that side.
type Interval struct {
	Lower Value `json:"lower"`
	Upper Value `json:"upper"`
}

func interval(i stats.Interval) Interval { return Interval{Value(i.Lower), Value(i.Upper)} }

// unknown is the interval of what cannot be estimated.
func unknown() Interval { return Interval{none, none} }

// Bounded reports whether both ends are finite.
func (i Interval) Bounded() bool { return i.Lower.Finite() && i.Upper.Finite() }
