package classify

import "bytes"

// stretch is a part of a block, from its first byte to behind its last.
type stretch struct{ from, to int }

// within reports whether the offset lies in one of the stretches.
func within(all []stretch, at int) bool {
	for _, s := range all {
		if s.from <= at && at < s.to {
			return true
		}
	}
	return false
}

var (
	groupOfScript = []byte("##[group]Run ")
	endOfGroup    = []byte("##[endgroup]")
	notesOfHelm   = []byte("NOTES:\n")
	shellOfScript = []byte("\n  shell: ")
)

// echoesIn finds the scripts that GitHub's runner shows before it runs them,
// with their inputs and environment: groups in the log as it is downloaded,
// indented lines where it was copied from the page. The notes of a chart, which
// helm shows after all went well, are words of its author, too.
func echoesIn(block []byte) (all []stretch) {
	all = notesIn(block)
	for at := 0; ; {
		from := bytes.Index(block[at:], groupOfScript)
		if from < 0 {
			break
		}
		from += at
		at = from + len(groupOfScript)
		if to := bytes.Index(block[at:], endOfGroup); to >= 0 && !bytes.Contains(block[at:at+to], groupOfScript) {
			all = append(all, stretch{from: lineStart(block, from), to: at + to})
			at += to
		}
	}
	for at := 0; ; {
		shell := bytes.Index(block[at:], shellOfScript)
		if shell < 0 {
			return all
		}
		shell += at + 1
		from, to := shell, shell
		for from > 0 && isIndented(block[from:]) {
			from = lineStart(block, from-1)
		}
		for to < len(block) && isIndented(block[to:]) {
			to = lineEnd(block, to)
		}
		if bytes.HasPrefix(block[from:], []byte("Run ")) {
			all = append(all, stretch{from, to})
		}
		at = to
	}
}

// notesIn finds the notes of charts: from their title to what a shell or a CI
// service puts in front of a command, or to a complaint.
func notesIn(block []byte) (all []stretch) {
	for at := 0; ; {
		title := bytes.Index(block[at:], notesOfHelm)
		if title < 0 {
			return all
		}
		title += at
		from := lineEnd(block, title)
		at = from
		if text, _ := content(block[lineStart(block, title):from]); len(text) != len(notesOfHelm) {
			continue
		}
		for at < len(block) && !endsNotes(block[at:lineEnd(block, at)]) {
			at = lineEnd(block, at)
		}
		all = append(all, stretch{from, at})
	}
}

var complaintMarks = byFirst("error", "Error", "ERROR", "fatal", "FATA", "panic:", "FAIL", "--- FAIL", "##[", "Run ")

func endsNotes(line []byte) bool {
	text, _ := content(line)
	return echoMarks.of(text) != "" || complaintMarks.of(text) != "" || klogLevel(text) != 0
}

func isIndented(line []byte) bool {
	return bytes.HasPrefix(line, []byte("  ")) || len(bytes.TrimSpace(line[:lineEnd(line, 0)])) == 0
}

func lineStart(block []byte, at int) int { return bytes.LastIndexByte(block[:at], '\n') + 1 }

// lineEnd is the offset behind the end of the line that holds at.
func lineEnd(block []byte, at int) int {
	if end := bytes.IndexByte(block[at:], '\n'); end >= 0 {
		return at + end + 1
	}
	return len(block)
}
