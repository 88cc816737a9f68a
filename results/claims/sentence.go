package claims

import (
	"cmp"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/study"
)

// A claim is read clause by clause: which figure, of what, at which levels, and compared with
// what. Each question has its words. Without an answer the claim is unclear; nothing is guessed.

func words(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?i)\b(?:` + pattern + `)\b`) }

var (
	// A sentence may begin with a strategy, in small letters; a short word before
	// a full stop is an abbreviation. Behind a colon a figure belongs to what is before it.
	sentenceEnd = regexp.MustCompile(`([.!?])\s+(?:[A-Z0-9−-]|$)|(:)\s+(?:[A-Z]|$)|[[:alpha:]]{4,}([.!?])\s+[a-z]`)
	clauseEnd   = regexp.MustCompile(`(;\s|,?\s(?:but|while|whereas)\s)`)

	fails  = words(`crash\w*|fail\w*|dies?|died|breaks?|broke|broken|hangs?|hung|OOM|out of memory|killed|unstable|flak\w+|lost`)
	works  = words(`works?|worked|succe\w+|reliab\w+|stable|pass(?:es|ed)?|ready`)
	denies = regexp.MustCompile(`(?i)\b(?:never|no|not|without|none|zero)\W+(?:\w+\W+){0,2}$`)

	setup  = words(`set-?ups?|set up|ready|up and running|in all|overall|altogether`)
	phases = map[trial.Phase]*regexp.Regexp{
		trial.PhaseCluster: words(`clusters?`), trial.PhaseBuild: words(`builds?|building|built`), trial.PhaseLoad: words(`load(?:s|ing|ed)?`),
		trial.PhaseDeploy: words(`deploy\w*`), trial.PhaseTest: words(`tests?|testing|suites?`)}
	takes  = words(`takes?|took|taking|needs?|lasts?|mean|average|median|in|is|are|within`)
	limits = words(`time-?outs?|limits?|every|each|after|budget|waits?|deadline|ago|intervals?|retr\w+|polls?|sleeps?`)

	extremes = words(`longest|shortest|maximum|minimum|max|at worst`)
	ends     = regexp.MustCompile(`(?i)\(range\b`)
	pushes   = words(`push\w*|publish\w*`)

	faster     = words(`faster|quicker|shorter|less time|as fast|speed-?up|saves?|saved|reduc\w+|cuts?`)
	slower     = words(`slower|longer|more time|as long|as slow|the time`)
	shorter    = regexp.MustCompile(`(?i)shorter|less time`)
	saves      = words(`saves?|saved|reduc\w+|cuts?|(?:faster|slower|longer|shorter) by`)
	share      = words(`of the(?: \w+){0,3} time of|of the time|of what`)
	connector  = words(`than|against|over|as|of|compared (?:to|with)|versus|vs|instead of`)
	beforehand = regexp.MustCompile(`(?i)\b(?:compared (?:to|with)|against|instead of|relative to)\s+(?:the\s+)?$`)

	needs    = words(`needs?|requires?|at least|minimum|enough`)
	peak     = words(`peaks?|uses?|used|holds?|consumes?|takes?`)
	about    = regexp.MustCompile(`(?i)(?:\b(?:about|around|roughly|some|nearly|almost|circa|approximately)\s+|[~≈]\s?)$`)
	atMost   = regexp.MustCompile(`(?i)(?:\b(?:under|below|less than|fewer than|at most|within|up to|no more than)\s+|[<≤]\s?)$`)
	atLeast  = regexp.MustCompile(`(?i)(?:\b(?:over|above|more than|at least|no less than)\s+|[>≥]\s?)$`)
	parallel = regexp.MustCompile(`(?i)\b(\d+|two|three|four|five|six)\s+(?:parallel|concurrent|simultaneous)\b`)

	bareNumber = regexp.MustCompile(`^\s*[~≈<>]?\s*\d+(?:\.\d+)?(?:\s*(?:–|-|to)\s*\d+(?:\.\d+)?)?\s*$`)
	headUnit   = regexp.MustCompile(`(?i)\(?\b(s|sec|seconds|min|minutes|h|hours|%|GiB|GB|MiB|MB)\)?\s*$|(%)`)
)

// figure is a number with its unit, and where in the clause it stands.
type figure struct {
	sort       *regexp.Regexp
	start, end int
	groups     []string
}

const number = `\d+(?:\.\d+)?`

var (
	memories  = regexp.MustCompile(`(` + number + `)[ \x{a0}\x{202f}-]?(GiB|GB|MiB|MB)\b`)
	durations = regexp.MustCompile(`(` + number + `)(?:\s*(?:–|-|—|to)\s*(` + number + `))?[ \x{a0}\x{202f}-]?(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b(?:\s?(\d+)\s?(s|secs?|seconds?|m|mins?|minutes?)\b)?`)
	percents  = regexp.MustCompile(`([+−-])?(` + number + `)(?:\s*(?:–|-|—|to)\s*([+−-]?` + number + `))?[ \x{a0}\x{202f}]?(?:%|per ?cent\b)`)
	multiples = regexp.MustCompile(`(?i)\b(twice|half|double|thrice)\b|\b(` + number + `|two|three|four|five|ten)(?:\s*times\b|\s?x\b|\s?×|[ -]?fold\b)`)
	counts    = regexp.MustCompile(`(?i)\b(\d+|one|two|three|four|five|six|seven|eight|nine|ten|none|no)\s+(?:in|of|out of)\s+(\d+|two|three|four|five|six|seven|eight|nine|ten)\b`)
	sureness  = regexp.MustCompile(`\b9\d(?:\.\d)? ?% ?(?::\s*[+−-]?[\d.]+ (?:%\s)?to [+−-]?[\d.]+ ?%|CI|confidence|quantile)|\b9\d(?:\.\d)? ?% quantile|\bat 9\d ?%`)
)

var numerals = map[string]float64{"none": 0, "no": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
	"half": 0.5, "twice": 2, "double": 2, "thrice": 3}

func value(text string) float64 {
	if v, ok := numerals[strings.ToLower(text)]; ok {
		return v
	}
	v, _ := strconv.ParseFloat(strings.TrimLeft(strings.Replace(text, "−", "-", 1), "+"), 64)
	return v
}

// half is half a unit of a number's last digit: the most that rounding changed.
func half(text string) float64 {
	_, decimals, _ := strings.Cut(text, ".")
	return 0.5 * math.Pow(10, -float64(len(decimals)))
}

func seconds(unit string) float64 {
	unit = strings.ToLower(unit)
	if unit == "ms" || strings.HasPrefix(unit, "milli") {
		return 1e-3
	}
	return map[byte]float64{'s': 1, 'm': 60, 'h': 3600}[unit[0]]
}

// vocabulary is the words that stand for levels, by factor.
type vocabulary map[string][]word

// word is a pattern that names a level.
type word struct {
	level   string
	pattern *regexp.Regexp
}

// known are words for levels that stratbench brings.
var known = vocabulary{
	"runtime": {{"podman", words(`podman`)}, {"docker", words(`docker`)}},
	"strategy": {{"parallel", words(`(?:in )?parallel|concurrent(?:ly)?|simultaneous(?:ly)?|all at once`)},
		{"serial", words(`serial(?:ly)?|sequential(?:ly)?|one (?:by one|at a time|after the other)`)},
		{"registry", words(`registry|pull(?:s|ed|ing)?`)}, {"2+1", regexp.MustCompile(`(?:^|[^\d.])2\+1(?:[^\d.]|$)`)}},
}

// start is the cluster's start in a name of two levels such as "registry with".
var start = regexp.MustCompile(`(?i)\b(?:serial|parallel|registry|2\+1)\s+(with|before|after)(?:$|[.,;:)]|\s+(?:takes?|took|is|needs?|against|than|over|if|fails?|looks|or|and)\b)`)

// newVocabulary adds the levels of a study to those that are known.
func newVocabulary(s study.Study) vocabulary {
	v := maps.Clone(known) // whose lists are full, so that appending copies them
	for _, f := range s.Factors {
		for _, l := range f.Levels {
			have := slices.ContainsFunc(v[f.Name], func(w word) bool { return w.level == l.Name })
			if !have && f.Name != "memory" && f.Name != "clusterStart" && len(l.Name) > 2 && l.Name != "true" && l.Name != "false" && l.Name != study.NotRecorded {
				v[f.Name] = append(v[f.Name], word{l.Name, words(regexp.QuoteMeta(l.Name))})
			}
		}
	}
	return v
}

// mention is a level that a text names.
type mention struct {
	factor, level string
	start, end    int
}

func (v vocabulary) mentions(text string) (all []mention) {
	for _, factor := range slices.Sorted(maps.Keys(v)) {
		for _, w := range v[factor] {
			for _, at := range w.pattern.FindAllStringIndex(text, -1) {
				all = append(all, mention{factor, w.level, at[0], at[1]})
			}
		}
	}
	for _, at := range start.FindAllStringSubmatchIndex(text, -1) {
		all = append(all, mention{"clusterStart", strings.ToLower(text[at[2]:at[3]]), at[2], at[3]})
	}
	// The longest of several words in the same place is meant.
	all = slices.DeleteFunc(slices.Clone(all), func(m mention) bool {
		return slices.ContainsFunc(all, func(o mention) bool {
			return o.factor == m.factor && o.start <= m.start && m.end <= o.end && o.end-o.start > m.end-m.start
		})
	})
	slices.SortFunc(all, func(a, b mention) int { return cmp.Compare(a.start, b.start) })
	return all
}

func levels(mentions []mention) Where {
	where := Where{}
	for _, m := range mentions {
		if !slices.Contains(where[m.factor], m.level) {
			where[m.factor] = append(where[m.factor], m.level)
		}
	}
	return where
}

// claims are those of a passage, sentence by sentence and clause by clause. Levels that
// a clause does not name are those of the clauses before it and of the heading; a
// sentence that names none is about what the sentence before it is.
func (v vocabulary) claims(p passage, heading Where) (all []Claim) {
	cut := func(text string, end *regexp.Regexp) int {
		if at := end.FindStringSubmatchIndex(text); at != nil {
			return slices.Max(at[2:])
		}
		return len(text)
	}
	var before Where
	for from := 0; from < len(p.text); {
		end := from + cut(p.text[from:], sentenceEnd)
		context := []Where{before, heading}
		if named := levels(v.mentions(p.text[from:end])); len(named) > 0 {
			before, context = named, context[1:]
		}
		for from < end {
			part := p.text[from : from+cut(p.text[from:end], clauseEnd)]
			named := v.mentions(part)
			for _, c := range (clause{part, named}).claims(context) {
				c.Text, c.Column = strings.TrimSpace(part), p.at[from+c.Column]
				all = append(all, c)
			}
			context = append([]Where{levels(named)}, context...)
			from += len(part)
		}
	}
	return all
}

// clause is a part of a sentence, which is read by itself.
type clause struct {
	text     string
	mentions []mention
}

// figures are those of the clause in order; a level of confidence is none.
func (c clause) figures() (all []figure) {
	taken := sureness.FindAllStringIndex(c.text, -1)
	for _, sort := range []*regexp.Regexp{memories, durations, percents, multiples, counts} {
		for _, at := range sort.FindAllStringSubmatchIndex(c.text, -1) {
			overlaps := func(t []int) bool { return at[0] < t[1] && t[0] < at[1] }
			partOfWord := at[0] > 0 && (c.text[at[0]-1] == '.' || c.text[at[0]-1] >= '0' && c.text[at[0]-1] <= '9')
			if slices.ContainsFunc(taken, overlaps) || partOfWord {
				continue
			}
			taken = append(taken, at[:2])
			f := figure{sort: sort, start: at[0], end: at[1]}
			for i := 2; i < len(at); i += 2 {
				f.groups = append(f.groups, c.text[max(at[i], 0):max(at[i+1], 0)])
			}
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b figure) int { return cmp.Compare(a.start, b.start) })
	return all
}

// claims are those of the clause; Column is the figure's first byte in it.
func (c clause) claims(context []Where) (all []Claim) {
	var memory, others []figure
	for _, f := range c.figures() {
		if f.sort == memories {
			memory = append(memory, f)
		} else {
			others = append(others, f)
		}
	}
	together, at := 0, parallel.FindStringSubmatchIndex(c.text)
	if at != nil {
		together = int(value(c.text[at[2]:at[3]]))
	}
	add := func(one Claim, f figure, limit string) {
		one.Column, one.Together = f.start, together
		if one.Where == nil {
			several := ""
			if one.Where, several = c.subject(context, f); several != "" {
				one.Unclear = cmp.Or(one.Unclear, "it names several levels of "+several+" and does not say which one has this figure")
			}
		}
		if limit != "" {
			one.Where["memory"] = []string{limit}
		}
		all = append(all, one)
	}
	limit := ""
	if len(memory) > 0 {
		limit = memory[0].groups[0] + memory[0].groups[1]
	}
	for _, f := range others {
		if one, ok := c.read(f); ok {
			if len(memory) > 1 {
				one.Unclear = cmp.Or(one.Unclear, "it names several amounts of memory")
			}
			add(one, f, limit)
		}
	}
	happens := fails.MatchString(c.text) || works.MatchString(c.text)
	switch {
	case len(all) > 0:
	case len(memory) > 1:
		add(Claim{Unclear: "it names several amounts of memory"}, memory[0], "")
	case len(memory) > 0 && happens && (fails.MatchString(c.text) || !needs.MatchString(c.text)):
		add(c.event(), memory[0], limit)
	case len(memory) > 0 && needs.MatchString(c.text[:memory[0].start]):
		nothing := 0.0 // works with less
		add(Claim{Kind: Works, High: &nothing}, memory[0], "<"+limit)
	case len(memory) > 0 && peak.MatchString(c.text):
		bytes, _ := trial.ParseBytes(limit)
		slack := float64(bytes) / value(memory[0].groups[0]) * half(memory[0].groups[0])
		add(c.bounded(PeakMemory, memory[0], float64(bytes)-slack, float64(bytes)+slack), memory[0], "")
	case len(memory) > 0:
		add(Claim{Unclear: "it does not say what happens with that much memory"}, memory[0], "")
	case together > 0 && happens:
		add(c.event(), figure{start: at[0], end: at[1]}, "")
	}
	return all
}

// event is what the clause says that happens: something crashes, or never does.
func (c clause) event() Claim {
	at, crashes := fails.FindStringIndex(c.text), true
	if at == nil {
		at, crashes = works.FindStringIndex(c.text), false
	}
	if denies.MatchString(c.text[:at[0]]) == crashes {
		all := 1.0
		return Claim{Kind: Works, Low: all, High: &all}
	}
	return Claim{Kind: Crashes}
}

// bounded is a claim of a range, as changed by the words before the figure.
func (c clause) bounded(kind Kind, f figure, low, high float64) Claim {
	claim, before := Claim{Kind: kind, Low: low, High: &high}, c.text[:f.start]
	switch {
	case atMost.MatchString(before):
		claim.Low = 0
	case atLeast.MatchString(before):
		claim.High = nil
	case about.MatchString(before):
		claim.Low, high = 0.9*low, 1.1*high
	}
	return claim
}

// read maps a figure that is no memory; ok is false for one that is no claim.
func (c clause) read(f figure) (_ Claim, ok bool) {
	after := c.text[f.end:]
	compared := faster.MatchString(after) || slower.MatchString(after) || share.MatchString(after)
	switch f.sort {
	case durations:
		if compared && connector.MatchString(after) || saves.MatchString(c.text[:f.start]) {
			return Claim{Unclear: "differences in time are not compared with records"}, true
		}
		return c.ofDuration(f), true
	case multiples:
		if !compared {
			return Claim{}, false // an event that happened twice
		}
		n := value(cmp.Or(f.groups[0], f.groups[1]))
		slack := 0.25
		if strings.Contains(f.groups[1], ".") {
			slack = half(f.groups[1])
		} else if n < 1 {
			slack = 0.05
		}
		low, high := n-slack, n+slack
		if at := faster.FindStringIndex(after); at != nil && !slower.MatchString(after[:at[0]]) {
			low, high = 1/high, 1/low
		}
		return c.against(f, low, high), true
	case percents:
		return c.ofPercent(f), true
	}
	n, of := value(f.groups[0]), value(f.groups[1])
	if of == 0 || n > of || !fails.MatchString(c.text) && !works.MatchString(c.text) {
		return Claim{}, false
	}
	return c.rate(f, n/of, n/of), true
}

func (c clause) ofDuration(f figure) Claim {
	unit := seconds(f.groups[2])
	low, high := value(f.groups[0])*unit, value(cmp.Or(f.groups[1], f.groups[0]))*unit
	slack := half(cmp.Or(f.groups[1], f.groups[0])) * unit
	if f.groups[3] != "" {
		more := value(f.groups[3]) * seconds(f.groups[4])
		low, high, slack = low+more, high+more, 0.5*seconds(f.groups[4])
	}
	claim := c.bounded(Time, f, max(0, low-slack), high+slack)
	var named []trial.Phase
	for _, phase := range trial.Phases() {
		if phases[phase].MatchString(c.text) {
			named = append(named, phase)
		}
	}
	strategy := slices.ContainsFunc(c.mentions, func(m mention) bool { return m.factor == "strategy" })
	switch {
	case limits.MatchString(c.text):
		claim.Unclear = "it reads as a limit or an interval"
	case extremes.MatchString(c.text), ends.MatchString(c.text[:f.start]):
		claim.Unclear = "it reads as the longest or the shortest of several times, and records are compared by their mean"
	case pushes.MatchString(c.text):
		claim.Unclear = "pushing images is not part of a set-up"
	case setup.MatchString(c.text):
	case len(named) == 1:
		claim.Phase = named[0]
	case len(named) > 1:
		claim.Unclear = "it names several phases"
	case !strategy || !takes.MatchString(c.text):
		claim.Unclear = "it does not say what takes so long"
	}
	return claim
}

func (c clause) ofPercent(f figure) Claim {
	low, high := value(f.groups[1])/100, value(cmp.Or(f.groups[2], f.groups[1]))/100
	slack := half(f.groups[1]) / 100
	after, signed := c.text[f.end:], f.groups[0] != ""
	isFaster, isSlower := faster.MatchString(after) || saves.MatchString(c.text[:f.start]), slower.MatchString(after)
	switch {
	case share.MatchString(after), isSlower && strings.Contains(strings.ToLower(after), "the time"):
		return c.against(f, low-slack, high+slack)
	case signed && connector.MatchString(after):
		switch minus := f.groups[0] != "+"; {
		case minus && f.groups[2] != "": // "−7 to +3 %"
			low = -low
		case minus:
			low, high = -high, -low
		}
		return c.against(f, 1+low-slack, 1+high+slack)
	case isSlower:
		return c.against(f, 1+low-slack, 1+high+slack)
	case isFaster && faster.MatchString(after) && !shorter.MatchString(after):
		// 50 % faster is half the time to some and two thirds of it to others.
		return c.against(f, 1-high-slack, 1/(1+low-slack))
	case isFaster:
		return c.against(f, 1-high-slack, 1-low+slack)
	case fails.MatchString(c.text) || works.MatchString(c.text):
		return c.rate(f, low, high)
	}
	return Claim{Unclear: "it does not say what the percentage is of"}
}

// rate is a claim that such a share of trials works, or fails.
func (c clause) rate(f figure, low, high float64) Claim {
	claim, most := c.bounded(Works, f, low, high), 1.0
	if claim.High != nil {
		most = min(most, *claim.High)
	}
	if fails.MatchString(c.text) { // "at most 5 % fail" is "at least 95 % work"
		claim.Low, most = 1-most, 1-claim.Low
	}
	claim.High = &most
	return claim
}

// against compares the levels before a figure with those after it and "than".
func (c clause) against(f figure, low, high float64) Claim {
	claim := c.bounded(Ratio, f, low, high)
	var own, base []mention
	for _, m := range c.mentions {
		isBase := beforehand.MatchString(c.text[:m.start])
		if m.start >= f.end {
			isBase = connector.MatchString(c.text[f.end:m.start]) && !words("with|on|at|in|under").MatchString(c.text[max(f.end, m.start-6):m.start])
		}
		if isBase {
			base = append(base, m)
		} else {
			own = append(own, m)
		}
	}
	if len(base) == 0 {
		claim.Unclear = "it does not say what it is compared with"
		return claim
	}
	claim.Against, claim.Where = levels(base), levels(own)
	for factor, names := range claim.Against {
		switch {
		case len(names) > 1:
			claim.Unclear = "it names several levels of " + factor + " to compare with"
		case len(claim.Where[factor]) == 0 && factor != "clusterStart":
			claim.Unclear = "it does not say which " + factor + " is compared"
		case slices.Contains(claim.Where[factor], names[0]) && len(claim.Against) == 1:
			claim.Unclear = "it compares " + names[0] + " with itself"
		}
	}
	return claim
}

// list is what separates the levels of a list, such as "Podman and Docker".
var list = regexp.MustCompile(`^(?:,|,? ?(?:and|or|as well as)|/|\s)+$`)

// subject is the levels that a figure is about. Of several levels of a factor it is all, if
// they are listed, or the one between the same commas as the figure; several is a factor for
// which neither holds. Levels that the clause does not name come from its context.
func (c clause) subject(context []Where, f figure) (where Where, several string) {
	where = levels(c.mentions)
	from, to := strings.LastIndexAny(c.text[:f.start], ",(")+1, len(c.text)
	if i := strings.IndexAny(c.text[f.end:], ",;"); i >= 0 {
		to = f.end + i
	}
	for factor, names := range where {
		if len(names) < 2 {
			continue
		}
		var near []mention
		end, listed := -1, true
		for _, m := range c.mentions {
			if m.factor != factor {
				continue
			}
			listed = listed && (end < 0 || end <= m.start && list.MatchString(c.text[end:m.start]))
			end = m.end
			if m.start >= from && m.end <= to {
				near = append(near, m)
			}
		}
		if one := levels(near)[factor]; len(one) == 1 {
			where[factor] = one
		} else if !listed {
			several = factor
		}
	}
	for _, named := range context {
		for factor, names := range named {
			if len(where[factor]) == 0 && len(names) == 1 {
				where[factor] = names
			}
		}
	}
	return where, several
}
