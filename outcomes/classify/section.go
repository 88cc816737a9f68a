package classify

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"sort"
)

// section is a part of a log whose lines are not what they look like: words of
// a script, of an author, or of a test.
type section struct {
	// opening is on its first line, which begins, if that is set, accepts.
	opening []byte
	begins  func(line []byte) bool
	// ends reports whether a line is the first one behind the section.
	ends func(line []byte) bool
	// holds, if it is set, looks at the whole of it and at the line behind it.
	holds func(text, next []byte) bool
}

var (
	groupOfScript = []byte("##[group]Run ")
	endOfGroup    = []byte("##[endgroup]")
)

// scripts are shown by GitHub's runner before it runs them: as groups in a log that was
// downloaded, as indented lines in one that was copied from the page. The notes of a chart,
// which helm shows after all went well, are words of its author, too.
var scripts = []section{
	{
		opening: groupOfScript,
		ends:    func(line []byte) bool { return bytes.Contains(line, endOfGroup) || bytes.Contains(line, groupOfScript) },
		holds:   func(_, next []byte) bool { return bytes.Contains(next, endOfGroup) },
	},
	{
		opening: []byte("Run "),
		begins:  func(line []byte) bool { return bytes.HasPrefix(line, []byte("Run ")) },
		ends: func(line []byte) bool {
			return !bytes.HasPrefix(line, []byte("  ")) && len(bytes.TrimSpace(line)) > 0
		},
		holds: func(text, _ []byte) bool { return bytes.Contains(text, []byte("\n  shell: ")) },
	},
	{ // what compose stops because one service ended: how that one did is what counts
		opening: []byte("Aborting on container exit"),
		ends:    func(line []byte) bool { return len(bytes.TrimSpace(line)) > 0 && !ofCompose.Match(unwrapped(line)) },
	},
	{ // what Python could not raise, and therefore passed over
		opening: []byte("Exception ignored in"),
		ends: func(line []byte) bool {
			text := unwrapped(line)
			return !bytes.HasPrefix(text, []byte("Traceback")) && len(text) > 0 && text[0] != ' '
		},
	},
	{ // up to a prompt, to what a CI puts in front of a command, or to a complaint
		opening: []byte("NOTES:\n"),
		begins: func(line []byte) bool {
			text, _ := content(line)
			return string(text) == "NOTES:\n"
		},
		ends: func(line []byte) bool {
			text, _ := content(line)
			return echoMarks.of(text) != "" || complaintMarks.of(text) != "" || klogLevel(text) != 0
		},
	},
}

// ofCompose matches the lines in which compose passes on what a service prints, and
// reports how far it is with stopping all. The engine's answers to compose are not
// matched.
var ofCompose = regexp.MustCompile(`^[a-z][\w.-]* +\| |exited with code \d|^\s*(?:[^\s\w]\s*)?(?:Container|Network|Volume|Stopping|Killing|Removing|Gracefully|Compose) \S|^\[\+\] `)

var complaintMarks = marks{"error", "Error", "ERROR", "fatal", "FATA", "panic:", "FAIL", "--- FAIL", "##[", "Run "}

// observations are what a test prints of what it saw: the output of one of go test, what
// ginkgo and bats say of a failed one, pytest's sections of failures and errors. "got 429
// Too Many Requests" there is the answer of the program under test, and no registry's.
var observations = []section{
	{opening: []byte("=== RUN "), ends: beginsWith("--- PASS: ", "--- FAIL: ", "--- SKIP: ", "PASS", "FAIL", "ok  ")},
	{opening: []byte("--- FAIL: "), ends: func(line []byte) bool {
		text := unwrapped(line)
		return len(bytes.TrimSpace(text)) > 0 && text[0] != ' ' && text[0] != '\t'
	}},
	{ // to the result of the package, all is the output of its tests
		opening: []byte("--- FAIL: "),
		ends:    func(line []byte) bool { return endsPackage(line) || beginsWith("=== ", "ok  \t", "##[")(line) },
		holds:   func(_, next []byte) bool { return endsPackage(next) },
	},
	{opening: []byte("stderr | "), begins: beginsWith("stderr | "), ends: endsOutput},
	{opening: []byte("stdout | "), begins: beginsWith("stdout | "), ends: endsOutput},
	{opening: []byte("[FAILED] "), ends: beginsWith("In [", "-----", "• ", "Ran ", "Summarizing ")},
	{opening: []byte("= FAILURES ="), ends: beginsWith("=====")},
	{opening: []byte("= ERRORS ="), ends: beginsWith("=====")},
	{opening: []byte("in test file "), ends: func(line []byte) bool { // of bats, which indents or comments what a test printed
		text, _ := content(line)
		return len(text) > 0 && text[0] != '#' && !bytes.Contains(line[:min(len(line), 40)], []byte("   "))
	}},
}

// endsPackage reports whether go test states that a package, or all of them, failed.
func endsPackage(line []byte) bool {
	text, _ := content(line)
	return bytes.HasPrefix(text, []byte("FAIL\t")) || string(bytes.TrimRight(text, " \r\n")) == "FAIL"
}

// endsOutput begins what vitest prints behind the output of a test.
var endsOutput = beginsWith("✓ ", "✗ ", "× ", "❯ ", "⎯", "FAIL ", "Test Files ")

func beginsWith(texts ...string) func(line []byte) bool {
	return func(line []byte) bool {
		text, _ := content(line)
		return marks(texts).of(text) != ""
	}
}

// stretch is a part of a block, from its first byte to behind its last.
type stretch struct{ from, to int }

// stretches finds the sections in a block. They are in order, and apart.
func stretches(block []byte, of []section) []stretch {
	var all []stretch
	for _, s := range of {
		for at := 0; ; {
			found := bytes.Index(block[at:], s.opening)
			if found < 0 {
				break
			}
			from, to := lineStart(block, at+found), lineEnd(block, at+found)
			at = to
			if s.begins != nil && !s.begins(block[from:to]) {
				continue
			}
			for to < len(block) && !s.ends(block[to:lineEnd(block, to)]) {
				to = lineEnd(block, to)
			}
			at = to
			if s.holds == nil || s.holds(block[from:to], block[to:lineEnd(block, to)]) {
				all = append(all, stretch{from, to})
			}
		}
	}
	slices.SortFunc(all, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	apart := all[:0]
	for _, s := range all {
		if n := len(apart); n > 0 && s.from <= apart[n-1].to {
			apart[n-1].to = max(apart[n-1].to, s.to)
		} else {
			apart = append(apart, s)
		}
	}
	return apart
}

// within reports whether the offset lies in one of the stretches.
func within(all []stretch, at int) bool {
	behind := sort.Search(len(all), func(i int) bool { return all[i].from > at })
	return behind > 0 && at < all[behind-1].to
}

func lineStart(block []byte, at int) int { return bytes.LastIndexByte(block[:at], '\n') + 1 }

// lineEnd is the offset behind the end of the line that holds at.
func lineEnd(block []byte, at int) int {
	if end := bytes.IndexByte(block[at:], '\n'); end >= 0 {
		return at + end + 1
	}
	return len(block)
}

// sawIt are the beginnings of a line in which a test prints what it saw: its position in a
// file of tests, the mark of pytest, the names of the two sides of a comparison, and the
// status of an answer as clients show it.
var sawIt = regexp.MustCompile(`^\s*(?:\S*(?:_test\.go|[._-](?:spec|test|cy)\.[cm]?[jt]sx?|test_\w+\.py|_test\.(?:py|rb|exs?)|_spec\.rb|Tests?\.(?:java|kt|cs)):\d+: |E {3}|> {6}|(?:FAILED|ERROR) \S+::\S+` +
	`|(?:Expected|Received|Actual|expected|received|actual|got|want|left|right)(?: value)?\s*: |(?:< )?HTTP/[\d.]+ [1-5]\d\d\b)`)

// compared is an assertion anywhere in a line. Each has a word of comparedBy.
var compared = regexp.MustCompile(`(?i)\bassert(?:ion)?(?:failed)?(?:error|\b)|\bexpected\b.*\b(?:got|but was|to (?:equal|be|have|match|contain)|received|actual)\b|\bwant(?:ed)?\b.*\bgot\b|\bgot\b.*\b(?:want(?:ed)?|expected)\b`)

var comparedBy = []string{"assert", "expected", "got"}

// hasFold reports whether the text has one of the words, which are in small
// letters, in letters of any size. It spares most lines an expression that is
// tried from each of their bytes.
func hasFold(text []byte, words []string) bool {
	for i, b := range text {
		for _, word := range words {
			if b|0x20 == word[0] && len(text)-i >= len(word) && bytes.EqualFold(text[i:i+len(word)], []byte(word)) {
				return true
			}
		}
	}
	return false
}

// toldByEngine are the words of an engine, a kubelet, an API server or a client
// of a registry: a test that prints those passes on what somebody else states.
var toldByEngine = regexp.MustCompile(`(?i)daemon|docker|podman|containerd|buildkit|buildah|skopeo|\bcrun\b|\brunc\b|conmon|netavark|kubelet|kubeadm|kubectl|\bkind\b|registry\b|toomanyrequests|ImagePull|\bpull(?:ing)? (?:access|the |an )?(?:image|denied)|manifest (?:unknown|for)|reading manifest|/v2/|/blobs/|rpc error|code = |error from server|the connection to the server|unable to connect to the server|:6443\b|/apis/|/api/v1/(?:namespaces|nodes|pods|services|events|configmaps|secrets)|/api\?timeout|apiserver|api server|kubernetes|etcd|control[- ]plane|testcontainers|\.sock\b|level=|\b[IWEF]\d{4} \d\d:`)

// isObserved reports whether a line of a test's output states what the test saw
// of the program under test.
func isObserved(line []byte, inTest bool) bool {
	if !inTest {
		text, _ := content(line)
		inTest = sawIt.Match(text) || hasFold(text, comparedBy) && compared.Match(text)
	}
	return inTest && !toldByEngine.Match(line)
}
