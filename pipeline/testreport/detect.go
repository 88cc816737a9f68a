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
	verboseStart = regexp.MustCompile(`(?m)^[^\n]*(=== RUN |--- (PASS|FAIL|SKIP): |` + mark + `)|^(ok  |FAIL|\?   )\t|^(PASS|FAIL)\r?$`)
	junitStart   = regexp.MustCompile(`(?i)<([a-z]+:)?testsuites?[\s/>]|<testcase\s`)
)

// Recognise says in which format a report is. What it has read of r is read
// again from the reader that it returns.
func Recognise(r io.Reader) (Format, io.Reader, error) {
	in := bufio.NewReaderSize(asUTF8(r), 256<<10)
	start, err := in.Peek(256 << 10)
	if len(bytes.TrimSpace(start)) == 0 {
		if err != nil && err != io.EOF {
			return "", in, fmt.Errorf("reading the report: %w", err)
		}
		return JUnit, in, nil // of an empty report nothing is said in any format
	}
	switch {
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
