package classify

import "bytes"

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

// blank puts spaces in the place of a quoted command, whose opening ends at
// from.
func blank(text, lower []byte, from int, closing string) {
	to := bytes.LastIndex(lower[from:], []byte(closing))
	for i := from; i < from+to; i++ {
		text[i], lower[i] = ' ', ' '
	}
}
