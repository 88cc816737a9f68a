package classify

import (
	"bytes"
	"regexp"
	"slices"
)

// endingLines is how many of the last lines that are not blank a rule may ask
// for without a pattern: these are read as a whole, whatever they say.
const endingLines = 5

// ending is a line near the end of the log.
type ending struct {
	place
	is standing
	by voice
}

// keepEndings remembers the last lines of the block that are not blank, and of the block
// before it where there are not enough. What a CI service reports of its own work does not
// end the log of a command.
func (s *scanner) keepEndings() {
	var found []ending // the last line first
	for to, number := len(s.block), s.number; to > 0 && len(found) < endingLines; number-- {
		from := lineStart(s.block, to-1)
		line := s.block[from:to]
		said := bytes.TrimRight(line, " \t\r\n")
		said = said[bytes.LastIndexByte(said, '\r')+1:] // what a progress bar showed in the end
		if text, _ := content(said); len(said) > 0 && serviceMarks.of(text) == "" {
			var e ending
			e.is, e.by = s.lineAt(line, number, from)
			e.set(number, said, len(said))
			found = append(found, e)
		}
		to = from
	}
	s.endings = append(found, s.endings...)
	s.endings = s.endings[:min(endingLines, len(s.endings))]
}

// final is the last of these lines.
func (s *scanner) final() int {
	if len(s.endings) == 0 {
		return 0
	}
	return s.endings[0].line
}

// readEndings tries the rules that have no pattern on the last lines.
func (s *scanner) readEndings() {
	for i := range s.rules.rules {
		r := &s.rules.rules[i]
		if !r.readsEnding() {
			continue
		}
		for _, e := range s.endings[:min(r.Tail, len(s.endings))] {
			if text, _ := content(e.text); r.restsOn(e.is) && r.accepts(text, text) {
				s.sightings[e.by][i].note(e.line, e.text, len(e.text))
				break
			}
		}
	}
}

// plainLines is how many plain statements in the end show that a command went
// on after what it complained of.
const plainLines = 3

// aftermath is what follows a failure: stack traces and other indented lines,
// tables, what is tidied up and collected, advice, and more complaints.
var aftermath = regexp.MustCompile(`(?i)^\s|^[(){}\[\]<>|│#*=-]|\(0x|goroutine|\.(?:go|py|js|java|ts|rb|rs|sh|cr):\d|^at |traceback|stack|trace|delet|remov|stop|clean|tear|collect|logs?\b|upload|artifact|dump|descri|diagnos|debug|\bsee\b|more information|help|usage|\btry|must|should|please|you (?:can|may)|note|hint|exit|fail|error|\bno[tn]?\b|n't|unable|cannot|time|refus|denied|abort|cancel|unhealthy|wait|kill|lost|crash|panic|expect|missing|invalid|warn|  |\t|^[\w. -]+: +\S|:$|\?$|finishing:|starting:|rerun|report|terminat|retry|unknown|attempt`)

// wentOn reports whether the log ends with plain statements, all behind the
// line.
func (s *scanner) wentOn(line int) bool {
	for _, e := range s.endings[:min(plainLines, len(s.endings))] {
		text, _ := content(e.text)
		if e.line <= line || e.by == witness || !isInformation(text) && (aftermath.Match(text) || aftermath.Match(e.text)) {
			return false
		}
	}
	return len(s.endings) >= plainLines
}

// endsRoutinely reports whether programs report their ordinary work in that many of the
// last lines.
func (s *scanner) endsRoutinely(lines int) bool {
	return len(s.endings) >= lines && !slices.ContainsFunc(s.endings[:lines], func(e ending) bool { return e.is != routine })
}
