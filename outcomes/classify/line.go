package classify

import (
	"bytes"
	"slices"
)

// standing is what a line is, apart from what it says.
type standing uint8

const (
	// said is a statement: every rule may rest on it.
	said standing = iota
	// echoed is source text that is shown before it is run: a script, a step of
	// a Dockerfile. It tells where the log is and states nothing.
	echoed
	// routine is a program that tells of its ordinary work, or the title of
	// something that went well. Only markers rest on it, and the rules that
	// know a failure which is told in that way.
	routine
	// observed is what a test saw of the program under test. No rule rests on it
	// that blames an engine, a registry or a cluster.
	observed
	// ordinary is what a rule of that level knows of healthy programs.
	ordinary
)

// voice is who says a line.
type voice uint8

const (
	// own is the command that the log is of, or whoever ran it.
	own voice = iota
	// witness is a part of a node, whose journal was added to the log as
	// evidence: a kubelet, or what else the init system of a node started. Such
	// parts try again until they are through, so that their complaints are no
	// failure of the command.
	witness
)

// standingOf tells what a line is by the marks that shells, builders, CI
// services, test programs and loggers put on theirs.
func standingOf(line []byte) standing {
	text, by := content(line)
	switch {
	case len(text) == 0:
		return said
	case by == stepTitle || isEcho(text):
		return echoed
	case isInformation(text) || isTitle(text) || by == stepOutput && isProgress(text):
		return routine
	}
	return said
}

// origin is what BuildKit puts in front of a line.
type origin uint8

const (
	elsewhere  origin = iota
	stepTitle         // "#12 [3/4] RUN make"
	stepOutput        // "#12 4.1 text", and its own "#12 exporting layers 2.1s done"
)

// isProgress reports whether BuildKit tells how far it is with what it does
// itself: "writing layer sha256:0656 0.1s done", "DONE 2.1s".
func isProgress(text []byte) bool {
	return bytes.HasSuffix(text, []byte(" done")) || bytes.HasPrefix(text, []byte("DONE ")) || bytes.HasPrefix(text, []byte("writing layer ")) ||
		bytes.HasPrefix(text, []byte("CACHED"))
}

// content cuts off what is put in front of a line by whoever passes it on: the
// time, the name of a job, the step of a build.
func content(line []byte) (text []byte, by origin) {
	if tab := bytes.LastIndexByte(line[:min(len(line), 200)], '\t'); tab > 0 && len(clockless(line[tab+1:])) < len(line)-tab-1 {
		line = line[tab+1:] // "job	step	2024-05-01T10:00:00Z text"
	}
	text = clockless(bytes.TrimLeft(line, " \t"))
	if len(text) > 4 && text[0] == '0' && isDigit(text[1]) && (text[2] == 'O' || text[2] == 'E') && (text[3] == ' ' || text[3] == '+') {
		text = text[4:] // the stream in a log of GitLab
	}
	if len(text) > 20 && text[18] == ']' && text[19] == ' ' && isKlog(text) {
		text = clockless(text[20:]) // Prow's: "I0202 12:13:58.982] text"
	}
	if number, rest, ok := bytes.Cut(text, []byte{' '}); ok && len(number) > 1 && number[0] == '#' && isNumber(number[1:]) {
		if len(rest) > 0 && rest[0] == '[' {
			return rest, stepTitle
		}
		text, by = rest, stepOutput
		if seconds, rest, ok := bytes.Cut(text, []byte{' '}); ok && isNumber(seconds) {
			text = bytes.TrimLeft(rest, " \t")
		}
	}
	return clockless(text), by
}

// clockless cuts off a time of day, with its date or without.
func clockless(text []byte) []byte {
	for range 2 {
		end := bytes.IndexByte(text[:min(len(text), 40)], ' ')
		if end < 8 || !isClock(text[:end]) {
			return text
		}
		text = bytes.TrimLeft(text[end:], " \t")
	}
	return text
}

func isClock(word []byte) bool {
	digits := 0
	for _, b := range word {
		switch {
		case isDigit(b):
			digits++
		case b == ':' || b == '-' || b == '.' || b == ',' || b == '/' || b == '+' || b == 'T' || b == 'Z' || b == '[' || b == ']':
		default:
			return false
		}
	}
	return digits >= 6
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func isNumber(word []byte) bool {
	for _, b := range word {
		if !isDigit(b) && b != '.' {
			return false
		}
	}
	return len(word) > 0
}

// echoMarks begin the lines that repeat source text: the trace of a shell, its
// prompt, the scripts of GitHub (whose colour may have lost its escape).
var echoMarks = byFirst("+ ", "++ ", "+++ ", "$ ", "[command]", "##[command]", "[36;1m", "STEP ", "Step ", "=> [", "=> CACHED [", "> [",
	"=> => # ", "##[group]", "::group::")

// isEcho reports whether the text is source text that is about to be run, or
// that an error message quotes with the numbers of its lines.
func isEcho(text []byte) bool {
	if number, rest, ok := bytes.Cut(text[:min(len(text), 12)], []byte(" |")); ok && isNumber(number) {
		return len(rest) == 0 || rest[0] == ' '
	}
	if m := echoMarks.of(text); m != "" {
		return (m != "STEP " && m != "Step ") || isDigit(text[len(m)])
	}
	if text[0] == '[' { // a stage of a build: "[1/2] STEP 3/4: RUN make"
		if _, rest, ok := bytes.Cut(text[:min(len(text), 40)], []byte("] STEP ")); ok {
			return len(rest) > 0 && isDigit(rest[0])
		}
	}
	return isScript(text)
}

// scriptWords begin the lines of shell scripts that make and others show.
var scriptWords = byFirst("if ", "elif ", "for ", "while ", "until ", "case ", "echo ", "@echo ", "grep ", "printf ", "! ", "[ ", "[[ ", "test ",
	"set -", "export ", "trap ", "else", "then ", "retry", "docker ", "podman ", "kubectl ", "kind ", "helm ", "curl ", "cat ", "timeout ", "go ", "sh ",
	"bash ", "sed ", "awk ", "until", "sleep ", "cd ", "hack/", "./")

// scriptSigns are found in lines of shell scripts, and in no message.
var scriptSigns = [][]byte{[]byte("; then"), []byte("; do"), []byte(" || "), []byte(" && "), []byte("$("), []byte("${"), []byte(" 2>&1"), []byte(" | grep"),
	[]byte(">/dev/null"), []byte("> /dev/null"), []byte("| tee "), []byte("; exit "), []byte("; fi"), []byte("; done"), []byte(" >&2"), []byte(" <<")}

// isScript reports whether a line without a mark is one of a shell script.
func isScript(text []byte) bool {
	word := scriptWords.of(text)
	if word == "" {
		return false
	}
	if word == "grep " || word == "echo " && (text[5] == '"' || text[5] == '\'') {
		return true
	}
	for _, sign := range scriptSigns {
		if bytes.Contains(text, sign) {
			return true
		}
	}
	return text[len(text)-1] == '\\'
}

// titleMarks begin the titles of tests, steps and checks that go well or have
// yet to begin; a title may say anything.
var titleMarks = byFirst("=== RUN", "=== PAUSE", "=== CONT", "=== NAME", "--- PASS", "--- SKIP", "✓", "✔", "√", "✅", "• ", "STEP: ", "PASS:", "PASS ", "PASSED ",
	"[PASS", "> Enter [", "< Exit [", "ok ", "S [", "P [", "∙ PASS", "∅", "○ ", "↩")

// failedTitles are in the titles of ginkgo's tests that went wrong.
var failedTitles = [][]byte{[]byte("[FAIL"), []byte("[PANIC"), []byte("Fail"), []byte("[TIME"), []byte("[INTER")}

// isTitle reports whether the text is the title of something that went well or
// begins, as test programs and Kind print it.
func isTitle(text []byte) bool {
	switch m := titleMarks.of(text); {
	case m == "":
		return bytes.Contains(text, []byte("[y/n]")) || bytes.HasSuffix(text, []byte(" PASSED")) || bytes.HasSuffix(text, []byte(" ... ok")) || bytes.HasSuffix(text, []byte(" ... ignored"))
	case m == "✅" && bytes.Contains(text, []byte("❌")):
		return false
	case m == "• ":
		head := text[:min(len(text), 40)]
		return !slices.ContainsFunc(failedTitles, func(mark []byte) bool { return bytes.Contains(head, mark) })
	}
	return true
}

// infoMarks begin the lines of loggers that call them information.
var infoMarks = byFirst("INFO[", "DEBU[", "TRAC[", "INFO ", "INFO\t", "DEBUG ", "DEBUG\t", "DEBUG:", "TRACE ", "##[debug]", "::debug::", "[DEBUG]", "[TRACE]")

// isInformation reports whether the program that wrote the line calls it mere
// information. An event that the kubelet reports with the type Warning is none.
func isInformation(text []byte) bool {
	if klogLevel(text) == 'I' {
		return !bytes.Contains(text, []byte(`type="Warning"`)) && !bytes.Contains(text, []byte("type: 'Warning'"))
	}
	if infoMarks.of(text) != "" {
		return true
	}
	if bytes.HasPrefix(text, []byte("[INFO]")) { // Maven tells its failures so, too
		return !bytes.Contains(text, []byte("FAIL"))
	}
	head := text[:min(len(text), 160)]
	if at := bytes.Index(head, []byte("level")); at == 0 || at > 0 && isLogHead(head[:at]) {
		return informs.of(bytes.TrimLeft(head[at+len("level"):], `"=: `)) != ""
	}
	if at := bytes.IndexByte(head, '\t'); at > 0 {
		return informs.of(head[at+1:]) != ""
	}
	return false
}

// informs are the levels of structured loggers that stand for no more than
// information.
var informs = byFirst("info", "debug", "trace", "INFO", "DEBUG")

// isLogHead reports whether a logger writes this in front of its level: the
// time, the opening of a JSON object, or the unit of a journal.
func isLogHead(head []byte) bool {
	return head[0] == '{' || isDigit(head[0]) || bytes.HasPrefix(head, []byte("time=")) || bytes.HasPrefix(head, []byte("ts=")) ||
		bytes.Contains(head, []byte("]: time=")) || bytes.Contains(head, []byte("| {")) || bytes.Contains(head, []byte("| time="))
}

// klogLevel returns the level of a line that Kubernetes' logger wrote
// ("W0804 10:31:04.804168"), wherever near its start that begins; 0 for others.
func klogLevel(text []byte) byte {
	at := 0
	if !isKlog(text) {
		at = bytes.Index(text[:min(len(text), 120)], []byte("]: ")) + 3 // of a journal
		if at < 3 || !isKlog(text[at:]) {
			return 0
		}
	}
	return text[at]
}

func isKlog(text []byte) bool {
	return len(text) > 14 && (text[0] == 'I' || text[0] == 'W' || text[0] == 'E' || text[0] == 'F') &&
		isDigit(text[1]) && isDigit(text[2]) && isDigit(text[3]) && isDigit(text[4]) && text[5] == ' ' && text[8] == ':'
}

// voiceOf recognises the line of a node's journal by the name of its host or
// its unit: "May 01 10:00:00 demo-control-plane kubelet[212]: ".
func voiceOf(line []byte) voice {
	head := line[:min(len(line), 110)]
	if text := clockless(head); bytes.HasPrefix(text, []byte("stderr F ")) || bytes.HasPrefix(text, []byte("stdout F ")) {
		return witness // the log of a container as the kubelet keeps it
	}
	unit := bytes.Index(head, []byte("]: "))
	if unit < 0 && (isListed(head) || isEvent(head)) {
		return witness
	}
	if unit < 0 {
		return own
	}
	head = head[:unit]
	if bytes.Contains(head, []byte("kubelet[")) ||
		(bytes.Contains(head, []byte("-control-plane")) || bytes.Contains(head, []byte("-worker"))) && bytes.LastIndexByte(head, '[') > 0 {
		return witness
	}
	return own
}

// isEvent reports whether the line is an event as kubectl lists it: they are
// asked for when all went well, too.
func isEvent(line []byte) bool {
	return bytes.Contains(line, []byte("   Warning   ")) || bytes.Contains(line, []byte("  Normal   "))
}

// isListed reports whether the line is a row of a table in which kubectl lists
// nodes or pods.
func isListed(line []byte) bool {
	if !bytes.Contains(line, []byte("   ")) {
		return false
	}
	fields := bytes.Fields(line)
	if len(fields) < 4 {
		return false
	}
	age := fields[len(fields)-1]
	for _, f := range fields[1:min(4, len(fields))] {
		switch string(f) {
		case "NotReady", "Ready", "ImagePullBackOff", "ErrImagePull", "CrashLoopBackOff", "Pending", "Error", "Evicted", "Running", "Completed", "ContainerCreating":
			return isDigit(age[0]) || age[0] == 'v' || isDigit(fields[len(fields)-2][0])
		}
	}
	return false
}

// marks are beginnings of lines, by their first byte.
type marks [256][]string

func byFirst(texts ...string) *marks {
	var m marks
	for _, t := range texts {
		m[t[0]] = append(m[t[0]], t)
	}
	return &m
}

// of returns the mark that the text begins with.
func (m *marks) of(text []byte) string {
	if len(text) == 0 {
		return ""
	}
	for _, mark := range m[text[0]] {
		if len(text) > len(mark) && string(text[:len(mark)]) == mark {
			return mark
		}
	}
	return ""
}
