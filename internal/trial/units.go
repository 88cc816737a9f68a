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
