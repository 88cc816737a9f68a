package classify

import (
	"bytes"
	"regexp"
)

// standing is what a line is, apart from what it says.
type standing uint8

const (
	// said is a statement: every rule may rest on it.
	said standing = iota
	// echoed is source text that is shown before it is run: a script, a step of
	// a Dockerfile. It shows where the log is and states nothing.
	echoed
	// routine is a program's report of its ordinary work, or the title of
	// something that went well. Only markers rest on it, and the rules that
	// know a failure which is reported in that way.
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
	// witness is a part of a node, such as a kubelet, whose journal was added as evidence.
	// Such parts try again until they are through: their complaints are no failure of the
	// command.
	witness
)

// standingOf decides what a line is by the marks that shells, builders, CI
// services, test programs and loggers put on theirs.
func standingOf(line []byte) standing {
	text, by := content(line)
	switch {
	case len(text) == 0:
		return said
	case by == stepTitle || isEcho(text) || isFrame(text):
		return echoed
	case isInformation(text), isTitle(text):
		return routine
	case by == stepOutput: // BuildKit itself prints how far it is: "writing layer sha256:0656 0.1s done", "DONE 2.1s"
		if bytes.HasSuffix(text, []byte(" done")) || bytes.HasPrefix(text, []byte("CACHED")) || (marks{"DONE ", "writing layer "}).of(text) != "" {
			return routine
		}
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

// content cuts off what is put in front of a line by whoever passes it on: the
// time, the name of a job, the step of a build.
func content(line []byte) (text []byte, by origin) {
	text = passedOn(line)
	if _, rest := buildStep(text); rest != nil {
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

// passedOn cuts off what a CI service puts in front of a line.
func passedOn(line []byte) []byte {
	if tab := bytes.LastIndexByte(line[:min(len(line), 200)], '\t'); tab > 0 && len(clockless(line[tab+1:])) < len(line)-tab-1 {
		line = line[tab+1:] // "job	step	2024-05-01T10:00:00Z text"
	}
	text := clockless(bytes.TrimLeft(line, " \t"))
	if len(text) > 4 && text[0] == '0' && isDigit(text[1]) && (text[2] == 'O' || text[2] == 'E') && (text[3] == ' ' || text[3] == '+') {
		text = text[4:] // the stream in a log of GitLab
	}
	if len(text) > 20 && text[18] == ']' && text[19] == ' ' && isKlog(text) {
		text = clockless(text[20:]) // Prow's: "I0202 12:13:58.982] text"
	}
	name, rest, ok := bytes.Cut(text[:min(len(text), 60)], []byte("  | "))
	name = bytes.TrimRight(name, " ")
	if ok && len(rest) > 0 && len(name) > 0 && 'a' <= name[0] && name[0] <= 'z' && !bytes.ContainsAny(name, " |:/[]()\t") {
		text = bytes.TrimLeft(text[bytes.Index(text, []byte("| "))+2:], " \t") // compose's: "shop-1  | text"
	}
	return text
}

// unwrapped is what passedOn leaves of a line, with its indentation.
func unwrapped(line []byte) []byte {
	cut := len(line) - len(passedOn(line))
	for cut > 0 && (line[cut-1] == ' ' || line[cut-1] == '\t') {
		cut--
	}
	if cut > 0 && cut < len(line) && (line[cut] == ' ' || line[cut] == '\t') {
		cut++
	}
	return line[cut:]
}

// buildStep returns the number that BuildKit puts in front of a line, and what
// is behind it; nil if there is none.
func buildStep(text []byte) (number, rest []byte) {
	number, rest, ok := bytes.Cut(text, []byte{' '})
	if !ok || len(number) < 2 || number[0] != '#' || !isNumber(number[1:]) {
		return nil, nil
	}
	return number[1:], rest
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
		if isDigit(b) {
			digits++
		}
	}
	return digits >= 6 && len(bytes.Trim(word, "0123456789:-.,/+TZ[]")) == 0
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func isNumber(word []byte) bool { return len(word) > 0 && len(bytes.Trim(word, "0123456789.")) == 0 }

// inFile is a place in a file, in the brackets of a frame.
var inFile = regexp.MustCompile(`^[\w./-]+\.\w+:\d+(?::\d+)?\)`)

// isFrame reports whether the text is a frame of a stack trace. A frame names code, by one
// name, or by any words, as tests in Kotlin have it, if a place in a file follows. "at
// least one pod failed (exit code 1)" is not a frame.
func isFrame(text []byte) bool {
	name, place, ok := bytes.Cut(text, []byte{'('})
	name, found := bytes.CutPrefix(name, []byte("at "))
	if !ok || !found {
		return false
	}
	if inFile.Match(place) {
		return true
	}
	name, _, _ = bytes.Cut(name, []byte(" [as "))
	for _, word := range []string{"async ", "new "} {
		name = bytes.TrimPrefix(name, []byte(word))
	}
	return bytes.IndexByte(bytes.TrimRight(name, " "), ' ') < 0
}

// echoMarks begin the lines that repeat source text: the trace of a shell, its
// prompt, the scripts of GitHub (whose colour may have lost its escape).
var echoMarks = marks{"+ ", "++ ", "+++ ", "$ ", "[command]", "##[command]", "[36;1m", "STEP ", "Step ", "=> [", "=> CACHED [", "> [",
	"=> => # ", "##[group]", "::group::"}

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
var scriptWords = marks{"if ", "elif ", "for ", "while ", "until ", "case ", "echo ", "@echo ", "grep ", "printf ", "! ", "[ ", "[[ ", "test ",
	"set -", "export ", "trap ", "else", "then ", "retry", "docker ", "podman ", "kubectl ", "kind ", "helm ", "curl ", "cat ", "timeout ", "go ", "sh ",
	"bash ", "sed ", "awk ", "until", "sleep ", "cd ", "hack/", "./"}

// isScript reports whether a line without a mark is one of a shell script.
func isScript(text []byte) bool {
	word := scriptWords.of(text)
	if word == "" {
		return false
	}
	if word == "grep " || word == "echo " && (text[5] == '"' || text[5] == '\'') {
		return true
	}
	return text[len(text)-1] == '\\' || bytes.HasSuffix(text, []byte("; fi")) || containsAny(text, "; then", "; do", " || ", " && ", "$(", "${", " 2>&1", " | grep", ">/dev/null", "> /dev/null",
		"| tee ", "; exit ", "; fi ", "; fi;", "; done", " >&2", " <<") // which no message holds
}

// titleMarks begin the titles of tests, steps and checks that go well or have
// yet to begin; a title may say anything.
var titleMarks = marks{"=== RUN", "=== PAUSE", "=== CONT", "=== NAME", "--- PASS", "--- SKIP", "✓", "✔", "√", "✅", "• ", "STEP: ", "PASS:", "PASS ", "PASSED ",
	"[PASS", "> Enter [", "< Exit [", "ok ", "S [", "P [", "∙ PASS", "∅", "○ ", "↩"}

// isTitle reports whether the text is the title of something that went well or
// begins, as test programs and Kind print it.
func isTitle(text []byte) bool {
	switch m := titleMarks.of(text); {
	case m == "":
		return bytes.Contains(text, []byte("[y/n]")) || bytes.HasSuffix(text, []byte(" PASSED")) || bytes.HasSuffix(text, []byte(" ... ok")) || bytes.HasSuffix(text, []byte(" ... ignored"))
	case m == "✅" && bytes.Contains(text, []byte("❌")):
		return false
	case m == "• ":
		return !containsAny(text[:min(len(text), 40)], "[FAIL", "[PANIC", "Fail", "[TIME", "[INTER") // of ginkgo
	}
	return true
}

// infoMarks begin the lines of loggers that call them information.
var infoMarks = marks{"INFO[", "DEBU[", "TRAC[", "INFO ", "INFO\t", "DEBUG ", "DEBUG\t", "DEBUG:", "TRACE ", "##[debug]", "::debug::", "[DEBUG]", "[TRACE]"}

// serviceMarks begin the lines in which a CI service reports its own work.
var serviceMarks = marks{"##[debug]", "::debug::", "##[endgroup", "::endgroup:"}

// isInformation reports whether the program that wrote the line calls it mere information.
// An event that the kubelet reports with the type Warning does not count.
func isInformation(text []byte) bool {
	if klogLevel(text) == 'I' {
		return !containsAny(text, `type="Warning"`, "type: 'Warning'")
	}
	if infoMarks.of(text) != "" {
		return true
	}
	if bytes.HasPrefix(text, []byte("[INFO]")) { // Maven reports failures like this, too
		return !bytes.Contains(text, []byte("FAIL"))
	}
	head := text[:min(len(text), 160)]
	if containsAny(head, "[debug] ", `"s":"I"`) { // of helm and of MongoDB
		return true
	}
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
var informs = marks{"info", "debug", "trace", "INFO", "DEBUG"}

// isLogHead reports whether a logger writes this in front of its level: the
// time, the opening of a JSON object, or the unit of a journal.
func isLogHead(head []byte) bool {
	return head[0] == '{' || isDigit(head[0]) || bytes.HasPrefix(head, []byte("time=")) || bytes.HasPrefix(head, []byte("ts=")) ||
		containsAny(head, "]: time=", "| {", "| time=")
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

// voiceOf recognises a line of a node's journal by its host or unit ("May 01 10:00:00
// demo-control-plane kubelet[212]: "), the log of a container as the kubelet keeps it or a
// tool quotes it, and events, which are listed when all went well, too.
func voiceOf(line []byte) voice {
	head := line[:min(len(line), 110)]
	text := clockless(head)
	unit := bytes.Index(head, []byte("]: "))
	switch {
	case bytes.HasPrefix(text, []byte("stderr F ")), bytes.HasPrefix(text, []byte("stdout F ")), isQuotedLog(text):
	case unit < 0 && (containsAny(head, "   Warning   ", "  Normal   ") || isListed(head)):
	case unit >= 0 && containsAny(head[:unit], "kubelet["):
	case unit >= 0 && containsAny(head[:unit], "-control-plane", "-worker") && bytes.LastIndexByte(head[:unit], '[') > 0:
	default:
		return own
	}
	return witness
}

// isQuotedLog reports whether the line is one of another program's log, as an
// element of a list that was printed as JSON: `    "{\"level\":\"error\",`.
func isQuotedLog(line []byte) bool {
	quoted, ok := bytes.CutPrefix(bytes.TrimLeft(line, " \t"), []byte{'"'})
	return ok && len(quoted) > 0 && (bytes.HasPrefix(quoted, []byte(`{\"`)) || isKlog(quoted) || len(clockless(quoted)) < len(quoted) || bytes.HasPrefix(quoted, []byte(`time=\"`)))
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
	for _, f := range fields[1:4] {
		switch string(f) {
		case "NotReady", "Ready", "ImagePullBackOff", "ErrImagePull", "CrashLoopBackOff", "Pending", "Error", "Evicted", "Running", "Completed", "ContainerCreating":
			return isDigit(age[0]) || age[0] == 'v' || isDigit(fields[len(fields)-2][0])
		}
	}
	return false
}

// marks are beginnings of lines.
type marks []string

// of returns the mark with which the text begins, and behind which it goes on.
func (m marks) of(text []byte) string {
	for _, mark := range m {
		if len(text) > len(mark) && text[0] == mark[0] && string(text[:len(mark)]) == mark {
			return mark
		}
	}
	return ""
}

func containsAny(text []byte, words ...string) bool {
	for _, word := range words { // without a function, which would take the list to the heap
		if bytes.Contains(text, []byte(word)) {
			return true
		}
	}
	return false
}

// quote is how a message quotes the command that failed. The words of a
// command say nothing of how it went: `process "/bin/sh -c grep -q 'disk full'
// log" did not complete`.
type quote struct{ opening, closing string }

// quotes are searched for like the needles of rules.
var quotes = []quote{
	{`process "`, `" did not`},
	{`command "`, `" failed`},
	{`at step "`, `":`},
	{"the command '", "' returned"},
	{"executor failed running [", "]:"},
	{stepOpening, ""}, // the title of a step of BuildKit, to its end
}

const stepOpening = "] run "

// opens reports whether the text, which ends with the opening, begins a quote:
// the title of a step has a number in its brackets ("[build 3/4] RUN make").
func (q quote) opens(lower []byte) bool {
	if q.opening != stepOpening {
		return true
	}
	before := lower[:len(lower)-len(stepOpening)]
	slash := bytes.LastIndexByte(before, '/')
	return slash > 0 && isDigit(before[slash-1]) && isNumber(before[slash+1:])
}

// blank puts spaces in the place of the quoted command, whose opening ends at
// from.
func (q quote) blank(text, lower []byte, from int) {
	to := bytes.LastIndex(lower[from:], []byte(q.closing))
	for i := from; i < from+to; i++ {
		text[i], lower[i] = ' ', ' '
	}
}
