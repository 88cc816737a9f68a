package testreport

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// repeated is begin, then item over and over up to a size, then end.
type repeated struct {
	begin, end string
	item       func(n int) string
	left, n    int
	rest       string
	ended      bool
}

func (r *repeated) Read(p []byte) (int, error) {
	for r.rest == "" {
		switch {
		case r.n == 0:
			r.rest = r.begin
		case r.left > 0:
			r.rest = r.item(r.n)
			r.left -= len(r.rest)
		case !r.ended:
			r.rest, r.ended = r.end, true
		default:
			return 0, io.EOF
		}
		r.n++
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// TestMemory reads 80 MiB in each format within 100 MiB, and in brief within 60:
// of tests by the hundred thousand, of tests that all fail with long output, and
// of one text.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 80 MiB many times")
	}
	// The garbage collector keeps the heap within the bound if it can: the test measures
	// what must be held, and not what waits to be collected.
	const size = 80 << 20
	talk := strings.Repeat("a line that was printed by the test, and says little\\n", 40)
	output := strings.ReplaceAll(talk, `\n`, "\n")
	for name, c := range map[string]struct {
		format Format
		r      repeated
		tests  int
	}{
		"junit, many": {JUnit, repeated{begin: "<testsuite>", end: "</testsuite>", item: func(n int) string {
			return fmt.Sprintf("<testcase classname=\"example.test/e2e/suite\" name=\"TestNumber%d/with_a_longer_name\" time=\"0.001\"><properties><property name=\"attempt\" value=\"first of one, never again\"/></properties><system-out>%s</system-out></testcase>\n", n, output[:100])
		}}, 200_000},
		"junit, failing": {JUnit, repeated{begin: "<testsuite>", end: "</testsuite>", item: func(n int) string {
			return fmt.Sprintf("<testcase name=\"Test%d\"><failure message=\"boom\">%s</failure></testcase>\n", n, output)
		}}, 30_000},
		"junit, one text": {JUnit, repeated{begin: "<testsuite><testcase name=\"a\"><failure message=\"boom\"/><system-out><![CDATA[", end: "]]></system-out></testcase></testsuite>", item: func(int) string { return output }}, 1},
		"ginkgo, many": {GinkgoJSON, repeated{begin: `[{"SuiteSucceeded":true,"SpecReports":[`, end: "{}]}]", item: func(n int) string {
			return fmt.Sprintf(`{"ContainerHierarchyTexts":["e2e","shop"],"LeafNodeType":"It","LeafNodeText":"number %d","State":"passed","StartTime":"2026-01-02T03:04:05.678Z","RunTime":1000000,"ParallelProcess":1,"NumAttempts":1,"CapturedGinkgoWriterOutput":"%s"},`, n, talk[:100])
		}}, 200_000},
		"ginkgo, failing": {GinkgoJSON, repeated{begin: `[{"SuiteSucceeded":false,"SpecReports":[`, end: "{}]}]", item: func(n int) string {
			return fmt.Sprintf(`{"ContainerHierarchyTexts":["e2e"],"LeafNodeType":"It","LeafNodeText":"number %d","State":"failed","Failure":{"Message":"boom"},"CapturedGinkgoWriterOutput":"%s"},`, n, talk)
		}}, 30_000},
		"ginkgo, one text": {GinkgoJSON, repeated{begin: `[{"SuiteSucceeded":false,"SpecReports":[{"LeafNodeType":"It","LeafNodeText":"a","State":"failed","CapturedGinkgoWriterOutput":"`, end: `"}]}]`, item: func(int) string { return talk }}, 1},
		"go, many": {GoJSON, repeated{begin: "", end: "{\"Action\":\"pass\",\"Package\":\"a\"}\n", item: func(n int) string {
			event := func(action string) string {
				return fmt.Sprintf("{\"Time\":\"2026-01-02T03:04:05.678Z\",\"Action\":\"%s\",\"Package\":\"a\",\"Test\":\"TestNumber%d/with_a_longer_name\",\"Output\":\"%s\"}\n", action, n, talk[:54])
			}
			return event("run") + event("output") + event("pass")
		}}, 100_000},
		"go, failing": {GoJSON, repeated{begin: "", end: "{\"Action\":\"fail\",\"Package\":\"a\"}\n", item: func(n int) string {
			return fmt.Sprintf("{\"Action\":\"run\",\"Package\":\"a\",\"Test\":\"Test%d\"}\n{\"Action\":\"output\",\"Package\":\"a\",\"Test\":\"Test%d\",\"Output\":\"%s\"}\n{\"Action\":\"fail\",\"Package\":\"a\",\"Test\":\"Test%d\"}\n", n, n, talk, n)
		}}, 30_000},
	} {
		for _, mode := range []struct {
			name   string
			report Report
			limit  int64
			bar    uint64
		}{
			{"whole", Report{}, 90 << 20, 100 << 20},
			{"in brief", Brief(nil), 32 << 20, 60 << 20},
		} {
			if mode.name == "in brief" && !strings.HasSuffix(name, "many") {
				continue // what is kept of a failed test is the same
			}
			t.Run(name+", "+mode.name, func(t *testing.T) {
				defer debug.SetMemoryLimit(debug.SetMemoryLimit(mode.limit))
				r := c.r
				r.left = size
				stop := watchHeap()
				report := mode.report
				err := report.Read(c.format, &r, func(string) {})
				j := Judge(report, exit1, nil)
				used := stop()
				t.Logf("%d MiB", used>>20)
				if used > mode.bar {
					t.Errorf("%d MiB of heap for a report of 80", used>>20)
				}
				if err != nil || j.total() < c.tests {
					t.Errorf("%d tests, %v", j.total(), err)
				}
			})
		}
	}
}

// watchHeap measures how much more heap is in use at most until it is stopped.
func watchHeap() (stop func() uint64) {
	inUse := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse
	}
	runtime.GC()
	before, done, peak := inUse(), make(chan struct{}), make(chan uint64, 1)
	go func() {
		most := before
		for {
			most = max(most, inUse())
			select {
			case <-done:
				peak <- most - before
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() uint64 { close(done); return <-peak }
}
