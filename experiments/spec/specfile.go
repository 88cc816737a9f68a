package spec

import (
	"encoding/json"
	"time"

	"github.com/stratbench/stratbench/strategies"
)

// specFile is an experiment: what is varied, how often it is run, and what
// every trial has in common.
type specFile struct {
	// APIVersion is the version of the format: stratbench/v1.
	APIVersion string `json:"apiVersion" jsonschema:"required,enum=stratbench/v1"`
	// Name is how records and reports call the experiment.
	Name string `json:"name" jsonschema:"required,pattern=^[a-z0-9][a-z0-9-]*$,maxLength=63"`
	// Description says what question the experiment answers.
	Description string `json:"description"`
	// Factors are what is varied. A factor's name is the dotted path of any
	// setting below settings (memory, build.noCache, build.args.GOFLAGS) or of
	// the workload (workload.images.api.args.MODE). Its levels are scalars, or
	// name and value. Every combination of levels is a cell.
	Factors factorsFile `json:"factors" jsonschema:"required"`
	// Settings are what all cells have in common.
	Settings Settings `json:"settings"`
	// Strategies are the user's own, by name.
	Strategies map[string]strategies.Own `json:"strategies"`
	// Faults are what can be broken on purpose, by name, beside the kinds of
	// faults as they are. The setting fault, or a factor of that name, picks one.
	Faults map[string]Injection `json:"faults"`
	// Design says how often and in which order.
	Design Design `json:"design"`
	// Limits bound a trial.
	Limits Limits `json:"limits"`
	// Budget bounds the run: as many whole blocks are run as fit.
	Budget Duration `json:"budget"`
	// Workload is the workload's file, relative to this one.
	Workload string `json:"workload" jsonschema:"required,minLength=1"`
}

// factorsFile stands for the factors in a specFile; JSON would lose their
// order, so they are read from the document.
type factorsFile map[string][]any

// Duration is a duration as Go writes it, such as 20m or 1h30m.
type Duration time.Duration

// UnmarshalJSON reads a duration such as "20m".
func (d *Duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	parsed, err := parseDuration(text)
	*d = Duration(parsed)
	return err
}

// MarshalJSON writes what UnmarshalJSON reads.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }
