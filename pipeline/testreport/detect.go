package testreport

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"regexp"
)

var (
	ginkgoStart  = regexp.MustCompile(`"(SuitePath|SuiteDescription|SpecReports|SuiteSucceeded)"\s*:`)
	verboseStart = regexp.MustCompile(`(?m)^[^\n]*(=== RUN |--- (PASS|FAIL|SKIP): |` + mark + ` *(===|---|PASS|FAIL|ok))|^(ok  |FAIL|\?   )\t|^(PASS|FAIL)\r?$`)
	junitStart   = regexp.MustCompile(`(?i)<([a-z]+:)?testsuites?[\s/>]|<testcase\s`)
)

// Recognise says in which format a report is. What it has read of r is read
// again from the reader that it returns.
func Recognise(r io.Reader) (Format, io.Reader, error) {
	const looked = 256 << 10
	in := bufio.NewReaderSize(r, looked)
	raw, err := in.Peek(looked)
	if err != nil && err != io.EOF {
		return "", in, fmt.Errorf("reading the report: %w", err)
	}
	// Read decodes it once more from its first byte, so that only a copy is
	// decoded here.
	start, err := io.ReadAll(asUTF8(bytes.NewReader(raw)))
	if err != nil {
		return "", in, fmt.Errorf("decoding the report: %w", err)
	}
	switch {
	case len(bytes.TrimSpace(start)) == 0:
		return JUnit, in, nil // of an empty report nothing is said in any format
	case isGoJSON(start):
		return GoJSON, in, nil
	case ginkgoStart.Match(start):
		return GinkgoJSON, in, nil
	case junitStart.Match(start):
		return JUnit, in, nil
	case verboseStart.Match(start):
		return GoVerbose, in, nil
	}
	return "", in, fmt.Errorf("its format is not recognised; say which it is with --format go-json, go-verbose, ginkgo-json or junit")
}
