package classify

import "bytes"

// quotes are how messages quote the command that failed. The words of a
// command say nothing of how it went: `process "/bin/sh -c grep -q 'disk full'
// log" did not complete`. The openings are searched for like rules' needles.
var quotes = []struct{ opening, closing string }{
	{`process "`, `" did not`},
	{`command "`, `" failed`},
	{`at step "`, `":`},
	{"the command '", "' returned"},
	{"executor failed running [", "]:"},
	{"] run ", ""}, // the title of a step of BuildKit, to its end
}

// blank puts spaces in the place of a quoted command, whose opening ends at
// from.
func blank(text, lower []byte, from int, closing string) {
	to := bytes.LastIndex(lower[from:], []byte(closing))
	for i := from; i < from+to; i++ {
		text[i], lower[i] = ' ', ' '
	}
}
