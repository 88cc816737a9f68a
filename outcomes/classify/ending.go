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

// keepEndings remembers the last lines of the block that are not blank, and of
// the block before it where there are not enough.
func (s *scanner) keepEndings(block []byte, number int) {
	var found []ending // the last line first
	for to := len(block); to > 0 && len(found) < endingLines; number-- {
		from := lineStart(block, to-1)
		line := bytes.TrimRight(block[from:to], " \t\r\n")
		if at := bytes.LastIndexByte(line, '\r'); at >= 0 {
			line = line[at+1:] // what a progress bar showed in the end
		}
		if len(line) > 0 {
			e := ending{is: standingOf(block[from:to]), by: voiceOf(block[from:to])}
			if within(s.echoes, from) {
				e.is = echoed
			}
			if s.evidence != nil && s.evidence(number) {
				e.by = witness
			}
			e.set(number, line, len(line))
			found = append(found, e)
		}
		to = from
	}
	s.endings = append(found, s.endings...)[:min(endingLines, len(found)+len(s.endings))]
}

// readEndings holds the rules that only want a word of the last lines against
// these.
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

// restsOnNeeds reports whether the rule is seen where the rules are that it
// needs.
func (r *Rule) restsOnNeeds() bool { return len(r.Match) == 0 && !r.readsEnding() }

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

// endsRoutinely reports whether programs tell of their ordinary work in as many
// of the last lines.
func (s *scanner) endsRoutinely(lines int) bool {
	return len(s.endings) >= lines && !slices.ContainsFunc(s.endings[:lines], func(e ending) bool { return e.is != routine })
}

// readsEnding reports whether the rule has no pattern to search for, and is
// tried on the last lines instead.
func (r *Rule) readsEnding() bool {
	return 0 < r.Tail && r.Tail <= endingLines && len(r.Match) == 0 && r.Detail != ""
}
