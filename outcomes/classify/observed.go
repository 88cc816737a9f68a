package classify

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"sort"
)

// observedIn finds what a test prints of what it saw: the output of a test of
// go test, from where it begins to its result; what ginkgo says of a failed
// spec; pytest's sections of failures and errors. "got 429 Too Many Requests"
// there is the answer of the program under test, and no registry's.
func observedIn(block []byte) (all []stretch) {
	for _, section := range observations {
		for at := 0; ; {
			from, next := section.begin(block, at)
			if from < 0 {
				break
			}
			to := next
			for to < len(block) && !section.ends(block[to:lineEnd(block, to)]) {
				to = lineEnd(block, to)
			}
			all = append(all, stretch{from, to})
			at = max(next, to)
		}
	}
	slices.SortFunc(all, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	return all
}

// inTest reports whether the offset lies in the output of a test. There may be
// thousands of these in a block, and those of one test lie in each other.
func (s *scanner) inTest(at int) bool {
	behind := sort.Search(len(s.tests), func(i int) bool { return s.tests[i].from > at })
	return within(s.tests[max(0, behind-len(observations)):behind], at)
}

// observation is a part of a test's output: how it begins, and how the first
// line behind it begins.
type observation struct {
	opening []byte
	closing *marks
	// indented is set where the part ends with the first line that is not.
	indented bool
}

var observations = []observation{
	{opening: []byte("=== RUN "), closing: byFirst("--- PASS: ", "--- FAIL: ", "--- SKIP: ", "PASS", "FAIL", "ok  ")},
	{opening: []byte("--- FAIL: "), indented: true},
	{opening: []byte("[FAILED] "), closing: byFirst("In [", "-----", "• ", "Ran ", "Summarizing ")},
	{opening: []byte("= FAILURES ="), closing: endOfPytest},
	{opening: []byte("= ERRORS ="), closing: endOfPytest},
}

var endOfPytest = byFirst("=====")

// begin finds the next opening behind at, and where the line behind it begins.
func (o observation) begin(block []byte, at int) (from, next int) {
	found := bytes.Index(block[at:], o.opening)
	if found < 0 {
		return -1, 0
	}
	return lineStart(block, at+found), lineEnd(block, at+found)
}

func (o observation) ends(line []byte) bool {
	if o.indented {
		if clock, rest, ok := bytes.Cut(line, []byte{' '}); ok && len(clock) >= 8 && isClock(clock) {
			line = rest // of a CI
		}
		return len(bytes.TrimSpace(line)) > 0 && line[0] != ' ' && line[0] != '\t'
	}
	text, _ := content(line)
	return o.closing.of(text) != ""
}

// sawIt are the forms of a single line in which a test tells what it saw: the
// position in a file of tests that test programs put in front, an assertion,
// and the lines that pytest marks.
var sawIt = regexp.MustCompile(`^\s*(?:\S*(?:_test\.go|[._-](?:spec|test|cy)\.[cm]?[jt]sx?|test_\w+\.py|_test\.(?:py|rb|exs?)|_spec\.rb|Tests?\.(?:java|kt|cs)):\d+: |E {3}|> {6}|(?:FAILED|ERROR) \S+::\S+)` +
	`|(?i:\bassert(?:ion)?(?:failed)?(?:error|\b)|\bexpected\b.*\b(?:got|but was|to (?:equal|be|have|match|contain)|received|actual)\b|\bwant(?:ed)?\b.*\bgot\b|\bgot\b.*\b(?:want(?:ed)?|expected)\b)` +
	`|^\s*(?:Expected|Received|Actual|expected|received|actual|got|want|left|right)(?: value)?\s*: `)

// toldByEngine are the words of an engine, a kubelet, an API server or a client
// of a registry: a test that prints those passes on what somebody else states.
var toldByEngine = regexp.MustCompile(`(?i)daemon|docker|podman|containerd|buildkit|buildah|skopeo|\bcrun\b|\brunc\b|conmon|netavark|kubelet|kubeadm|kubectl|\bkind\b|registry\b|toomanyrequests|ImagePull|\bpull(?:ing)? (?:access|the |an )?(?:image|denied)|manifest (?:unknown|for)|reading manifest|/v2/|/blobs/|rpc error|code = |error from server|the connection to the server|unable to connect to the server|:6443\b|/apis/|/api/v1/(?:namespaces|nodes|pods|services|events|configmaps|secrets)|/api\?timeout|apiserver|api server|kubernetes|etcd|control[- ]plane|testcontainers|\.sock\b|level=|\b[IWEF]\d{4} \d\d:`)

// isObserved reports whether a line of a test's output states what the test saw
// of the program under test.
func isObserved(line []byte, inTest bool) bool {
	if !inTest {
		text, _ := content(line)
		inTest = sawIt.Match(text)
	}
	return inTest && !toldByEngine.Match(line)
}
