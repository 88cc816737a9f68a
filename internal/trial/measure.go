package trial

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Span is a measured interval. Start and End are offsets from the start of
// the trial, read off one monotonic clock. Phase is empty for what lies
// outside the phases (starting the machine, recovering it). A span of a phase
// as a whole has no Image; a span of one image in a phase has one; a span of
// one build step has Image and Step; one of a common stage has no Image.
type Span struct {
	Name  string  `json:"name"`
	Phase Phase   `json:"phase,omitempty"`
	Image string  `json:"image,omitempty"`
	Step  string  `json:"step,omitempty"`
	Start Seconds `json:"start_seconds"`
	End   Seconds `json:"end_seconds"`
	// Cached marks a build step that the engine took from its cache.
	Cached bool `json:"cached,omitempty"`
	// Sent is how much a load sent to each node.
	Sent Bytes `json:"sent_bytes,omitempty"`
	// Error is what ended the span early. A span that was still open when
	// its trial ended is closed at that moment with Unfinished set.
	Error      string `json:"error,omitempty"`
	Unfinished bool   `json:"unfinished,omitempty"`
}

// CommonStage begins the name of the span in which a stage is built that several images
// have in common: "common stage NAME".
const CommonStage = "common stage "

// SetupSpan is the name of the span of a whole set-up command.
const SetupSpan = "setup command"

// InBackOff ends the name of the span in which a crashed pod waits for its next
// start: "pod NAME is in back-off …".
const InBackOff = "is in back-off after a crash"

// ExportStep is the build step in which a build exports its cache. A build may export in
// several parts, each such a step.
const ExportStep = "export the cache"

// IsPhase reports whether the span is that of a phase as a whole.
func (s Span) IsPhase() bool { return s.Phase != "" && s.Image == "" && s.Name == string(s.Phase) }

// EndedWell reports whether the span came to its own end.
func (s Span) EndedWell() bool { return s.Error == "" && !s.Unfinished }

// Length returns how long the span lasted.
func (s Span) Length() Seconds { return s.End - s.Start }

// Sample is what the machine was doing at one moment, read from its cgroup.
// CPU and I/O are totals since the machine started.
type Sample struct {
	At         Seconds `json:"at_seconds"`
	CPU        Seconds `json:"cpu_seconds"`
	Memory     Bytes   `json:"memory_bytes"`
	MemoryAnon Bytes   `json:"memory_anon_bytes"`
	// MemoryPeak is the most memory held until now, if the kernel keeps it: with
	// version 2 of the control groups.
	MemoryPeak Bytes    `json:"memory_peak_bytes,omitempty"`
	Read       Bytes    `json:"read_bytes"`
	Written    Bytes    `json:"written_bytes"`
	OOMKills   int64    `json:"oom_kills"`
	Pressure   Pressure `json:"pressure"`
}

// Peak is the most memory that is known to have been held until the sample.
func (s Sample) Peak() Bytes { return max(s.Memory, s.MemoryPeak) }

// Pressure holds stall shares in per cent, averaged by the kernel over ten
// seconds (PSI avg10). Known is false where the kernel reports none.
type Pressure struct {
	Known      bool    `json:"known"`
	CPUSome    float64 `json:"cpu_some_percent"`
	MemorySome float64 `json:"memory_some_percent"`
	MemoryFull float64 `json:"memory_full_percent"`
	IOSome     float64 `json:"io_some_percent"`
	IOFull     float64 `json:"io_full_percent"`
	// The totals are how long some process, or all processes that were not idle,
	// have waited for memory since the machine started. Their change shows the
	// pressure of a moment, which averages show late. Older records have none.
	MemorySomeTotal Seconds `json:"memory_some_total_seconds,omitzero"`
	MemoryFullTotal Seconds `json:"memory_full_total_seconds,omitzero"`
}

// TestStatus is how one test of the suite ended.
type TestStatus string

// The statuses of a test.
const (
	TestPass TestStatus = "pass"
	TestFail TestStatus = "fail"
	TestSkip TestStatus = "skip"
)

// UnmarshalText implements encoding.TextUnmarshaler; unknown names are errors.
func (s *TestStatus) UnmarshalText(text []byte) (err error) {
	*s, err = parse("test status", text, []TestStatus{TestPass, TestFail, TestSkip})
	return err
}

// TestResult is one test of the suite. Known marks a failure that the workload
// lists as known; it does not fail the trial. Flaky marks a test that passed after
// failed attempts.
type TestResult struct {
	Name   string     `json:"name"`
	Status TestStatus `json:"status"`
	Length Seconds    `json:"length_seconds"`
	Known  bool       `json:"known,omitempty"`
	Flaky  bool       `json:"flaky,omitempty"`
	// Attempts is how often it was tried, if more than once.
	Attempts int `json:"attempts,omitempty"`
	// Message is why it failed or was skipped, in a line.
	Message string `json:"message,omitempty"`
	Output  string `json:"output,omitempty"`
}

// Seconds is a duration that files carry as a number of seconds, under a key
// that ends in _seconds.
type Seconds time.Duration

// Duration returns s for arithmetic.
func (s Seconds) Duration() time.Duration { return time.Duration(s) }

// MarshalJSON writes seconds with nanosecond resolution.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(s).Seconds())
}

// UnmarshalJSON reads a number of seconds. It does not scan the text as JSON again,
// because a record has many.
func (s *Seconds) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("reading seconds: %w", err)
	}
	if math.Abs(f) > math.MaxInt64/1e9 {
		return fmt.Errorf("reading seconds: %v is out of range", f)
	}
	*s = Seconds(math.Round(f * 1e9))
	return nil
}

// Bytes is an amount of memory or storage. It prints in IEC units.
type Bytes int64

// ParseBytes reads an amount as people write it: "7GiB", "12.5 GiB",
// "500MB". A bare number is refused, because its unit would be a guess.
func ParseBytes(s string) (Bytes, error) {
	n, err := humanize.ParseBytes(s)
	if !strings.ContainsAny(s, "bB") || err != nil || n == 0 || n > math.MaxInt64 {
		return 0, fmt.Errorf("%q is not an amount of memory: write a number and a unit, such as 7GiB or 512MiB", s)
	}
	return Bytes(n), nil
}

// String prints b in IEC units.
func (b Bytes) String() string {
	if b < 0 {
		return "-" + humanize.IBytes(uint64(-b))
	}
	return humanize.IBytes(uint64(b))
}

// Share is a share of something, above 0 and below 1.
type Share float64

// ParseShare reads a share as people write it: "5%", "0.05".
func ParseShare(s string) (Share, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v > 0 && v < 1) {
		return 0, fmt.Errorf("%q is not a share between 0 and 1: write one such as 5%% or 0.05", s)
	}
	return Share(v), nil
}

// UnmarshalJSON reads a text such as "5%", or a number such as 0.05.
func (s *Share) UnmarshalJSON(b []byte) error {
	text := string(b)
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(b, &text); err != nil {
			return fmt.Errorf("reading a share: %w", err)
		}
	}
	share, err := ParseShare(text)
	*s = share
	return err
}
