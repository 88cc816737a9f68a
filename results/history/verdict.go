package history

import (
	"bytes"
	_ "embed"
	"math"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/study"
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

// CheckSchema is the version of a Check as JSON.
const CheckSchema = "stratbench.check/v1"

// Verdict is what a check comes to.
type Verdict string

// The verdicts. They are the exit codes of stratbench check.
const (
	// NoRegression: all is as it was, or better.
	NoRegression Verdict = "no-regression"
	// Regression: something is worse, and surely so.
	Regression Verdict = "regression"
	// Inconclusive: something is suspected, or there are too few nights.
	Inconclusive Verdict = "inconclusive"
	// NoData: the newest run has no trial of something that was measured
	// before, or there is none at all.
	NoData Verdict = "no-data"
	// NotFit: the host was not fit to measure on.
	NotFit Verdict = "host-not-fit"
)

// Check is the judgement of an experiment's newest run against its history.
type Check struct {
	Schema     string  `json:"schema"`
	Experiment string  `json:"experiment"`
	Host       string  `json:"host"`
	Verdict    Verdict `json:"verdict"`
	// Why is the verdict in words.
	Why []string `json:"why"`
	// RunID is the run that was judged, and When it began.
	RunID string    `json:"run_id"`
	When  time.Time `json:"when"`
	// Nights are those on record, the judged one included; Fit are those on a
	// host that was fit.
	Nights int `json:"nights"`
	Fit    int `json:"fit_nights"`
	// Series are judged together: what each cell's metrics are in this run.
	Series []Now `json:"series"`
	// Needs is how many more fit nights it takes until a regression can be
	// told at all; 0 where it can.
	Needs int `json:"more_nights_needed"`
	// Findings are regressions first, then what is suspected, then the rest.
	Findings []Finding `json:"findings"`
	// Missing are cells that were measured before and have no trial in this run.
	Missing []Missing `json:"missing"`
	// NotFit are the reasons for which the host was not fit.
	NotFit []string `json:"host_not_fit,omitempty"`
	// Threshold is the practical one: the smallest change that is reported.
	Threshold float64 `json:"threshold"`
	// FalseAlarm is how many quiet nights pass, on average and as designed, until
	// the check is wrong once, over all series together.
	FalseAlarm study.Value `json:"nights_to_a_false_alarm"`
	// Correlation is that of a night's set-up times with those of the night
	// before, AfterAWeek with those of the night a week before, and Wider the
	// factor by which the mean of five nights has to differ more for it than among
	// independent nights.
	Correlation study.Value `json:"correlation_with_the_night_before"`
	AfterAWeek  study.Value `json:"correlation_with_a_week_before"`
	Wider       study.Value `json:"five_nights_must_differ_more_by"`
	Simulated   bool        `json:"simulated"`
}

// Now is a series in the judged run; of no trial with a figure the value is
// null.
type Now struct {
	Cell   trial.Cell   `json:"cell"`
	Metric study.Metric `json:"metric"`
	Unit   study.Unit   `json:"unit"`
	Point
}

// Missing is a cell that has no trial in the run.
type Missing struct {
	Cell trial.Cell `json:"cell"`
	// LastRun is the last run that has one.
	LastRun string `json:"last_run_id"`
}

// FindingKind is what a finding is to the reader.
type FindingKind string

// The kinds of finding. A standing one is a regression of an earlier night
// that is not undone and was not accepted.
const (
	FindingRegression  FindingKind = "regression"
	FindingStanding    FindingKind = "standing"
	FindingSuspect     FindingKind = "suspect"
	FindingImprovement FindingKind = "improvement"
	FindingHost        FindingKind = "host"
	FindingRefuted     FindingKind = "refuted"
)

// Finding is one change.
type Finding struct {
	// ID names the finding to stratbench baseline accept.
	ID   string      `json:"id"`
	Kind FindingKind `json:"kind"`
	// Shape is step, drift, rate or host.
	Shape  string       `json:"shape"`
	Cell   trial.Cell   `json:"cell"`
	Metric study.Metric `json:"metric"`
	Unit   study.Unit   `json:"unit"`
	Better bool         `json:"better"`
	// Certainty is suspected, certain, confirmed or refuted.
	Certainty string `json:"certainty"`
	// P is adjusted for all series and all windows that were looked at.
	P study.Value `json:"p"`
	// Before and After are typical values on the two sides, in Unit; of a
	// drift where it began and where it is.
	Before study.Value `json:"before"`
	After  study.Value `json:"after"`
	// Ratio is of After to Before, and Interval its 95 % interval; of a share
	// the interval is that of the difference.
	Ratio    study.Value    `json:"ratio"`
	Interval study.Interval `json:"interval"`
	// Since is the first run after the change, Raised the first to show it.
	Since  Moment `json:"since"`
	Raised Moment `json:"raised"`
	// LastGood is the last fit run before the change.
	LastGood string `json:"last_good_run_id,omitempty"`
	// Tried is the run of both states that put it to the test this night.
	Tried string `json:"tried_in_run_id,omitempty"`
	// Together is the share of all measures that moved the same way.
	Together study.Value `json:"moved_together"`
	Causes   []Cause     `json:"causes"`
	Moved    []Moved     `json:"moved"`
}

// Moment is a run in the series.
type Moment struct {
	Night int       `json:"night"`
	RunID string    `json:"run_id"`
	When  time.Time `json:"when"`
}

func (n Nights) moment(night int) Moment {
	r := n.Runs[max(0, min(night, len(n.Runs)-1))]
	return Moment{night, r.RunID, r.Environment.Started}
}

// undefined is a figure that does not exist.
var undefined = study.Value(math.NaN())
