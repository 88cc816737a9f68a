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

// A claim is read clause by clause: what figure, of what, where, and against
// what. Each question has its words; a question without an answer makes the
// claim unclear, and nothing is guessed.

func words(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?i)\b(?:` + pattern + `)\b`) }

var (
	// A sentence may begin with a strategy, in small letters; what is short
	// before its full stop is an abbreviation.
	sentenceEnd = regexp.MustCompile(`([.!?:])\s+(?:[A-Z0-9−-]|$)|[[:alpha:]]{4,}([.!?])\s+[a-z]`)
	clauseEnd   = regexp.MustCompile(`;\s|,?\s(?:but|while|whereas)\s`)

	fails  = words(`crash\w*|fail\w*|dies?|died|breaks?|broke|broken|hangs?|hung|OOM|out of memory|killed|unstable|flak\w+|lost`)
	works  = words(`works?|worked|succe\w+|reliab\w+|stable|pass(?:es|ed)?|ready`)
	denies = regexp.MustCompile(`(?i)\b(?:never|no|not|without|none|zero)\W+(?:\w+\W+){0,2}$`)

	setup  = words(`set-?ups?|set up|ready|up and running|in all|overall|altogether`)
	phases = map[trial.Phase]*regexp.Regexp{
		trial.PhaseCluster: words(`clusters?`), trial.PhaseBuild: words(`builds?|building|built`), trial.PhaseLoad: words(`load(?:s|ing|ed)?`),
		trial.PhaseDeploy: words(`deploy\w*`), trial.PhaseTest: words(`tests?|testing|suites?`)}
	takes  = words(`takes?|took|taking|needs?|lasts?|mean|average|median|in|is|are|within`)
	limits = words(`time-?outs?|limits?|every|each|after|budget|waits?|deadline|ago|intervals?|retr\w+|polls?|sleeps?`)

	faster     = words(`faster|quicker|shorter|less time|as fast|speed-?up|saves?|saved|reduc\w+|cuts?`)
	slower     = words(`slower|longer|more time|as long|as slow|the time`)
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

// half is half a unit of a number's last digit: what was rounded away.
func half(text string) float64 {
	_, decimals, _ := strings.Cut(text, ".")
	return 0.5 * math.Pow(10, -float64(len(decimals)))
}

var units = map[string]float64{"ms": 1e-3, "mi": 60, "s": 1, "se": 1, "m": 60, "h": 3600, "hr": 3600, "ho": 3600}

func seconds(unit string) float64 {
	unit = strings.ToLower(unit)
	if strings.HasPrefix(unit, "milli") {
		return 1e-3
	}
	return units[unit[:min(2, len(unit))]]
}

func unitOf(head string) string {
	m := headUnit.FindStringSubmatch(strings.TrimSpace(head))
	if m == nil {
		return ""
	}
	return cmp.Or(m[1], m[2])
}

// vocabulary is the words that stand for levels.
type vocabulary map[string][]word

// word is a pattern that names a level of a factor.
type word struct {
	level   string
	pattern *regexp.Regexp
}

// known are words for levels that stratbench brings; a name of two levels such
// as "registry with" tells the start of the cluster, too.
var known = vocabulary{
	"runtime": {{"podman", words(`podman`)}, {"docker", words(`docker`)}},
	"strategy": {{"parallel", words(`(?:in )?parallel|concurrent(?:ly)?|simultaneous(?:ly)?|all at once`)},
		{"serial", words(`serial(?:ly)?|sequential(?:ly)?|one (?:by one|at a time|after the other)`)},
		{"registry", words(`registry|pull(?:s|ed|ing)?`)}, {"2+1", regexp.MustCompile(`(?:^|[^\d.])2\+1(?:[^\d.]|$)`)}},
}

var start = regexp.MustCompile(`(?i)\b(?:serial|parallel|registry|2\+1)\s+(with|before|after)(?:$|[.,;:)]|\s+(?:takes?|took|is|needs?|against|than|over|if|fails?|looks|or|and)\b)`)

// newVocabulary adds the levels of a study to those that are known.
func newVocabulary(s study.Study) vocabulary {
	v := vocabulary{}
	for factor, levels := range known {
		v[factor] = slices.Clone(levels)
	}
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

// mention is a level that a clause names.
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
	slices.SortFunc(all, func(a, b mention) int { return cmp.Compare(a.start, b.start) })
	return all
}

// claims are those of a passage, sentence by sentence. What a sentence does not
// name is as in its heading; one that names nothing is about what the sentence
// before it is.
func (v vocabulary) claims(p passage, heading string) (all []Claim) {
	from, before := 0, ""
	for from < len(p.text) {
		to := len(p.text)
		if end := sentenceEnd.FindStringSubmatchIndex(p.text[from:]); end != nil {
			to = from + max(end[3], end[5])
		}
		sentence := passage{p.text[from:to], p.at[from:to]}
		context := []string{heading}
		if len(v.mentions(sentence.text)) == 0 {
			context = []string{before, heading}
		} else {
			before = sentence.text
		}
		all = append(all, v.inSentence(sentence, context)...)
		from = to
	}
	return all
}

// inSentence are the claims of each clause, which has the ones before it as its
// context, too.
func (v vocabulary) inSentence(p passage, context []string) (all []Claim) {
	from := 0
	for from < len(p.text) {
		to := len(p.text)
		if end := clauseEnd.FindStringIndex(p.text[from:]); end != nil {
			to = from + end[1]
		}
		clause := p.text[from:to]
		for _, c := range v.inClause(clause, context) {
			c.Text = excerpt(p.text, from+c.Column)
			c.Column = p.at[from+c.Column]
			all = append(all, c)
		}
		context = append([]string{clause}, context...)
		from = to
	}
	return all
}

// The most of a sentence that is shown before and after the beginning of a
// figure.
const excerptBefore, excerptAfter = 48, 32

// excerpt is the text around a figure, in whole words.
func excerpt(text string, at int) string {
	from, to := 0, len(text)
	if at > excerptBefore {
		if i := strings.IndexByte(text[at-excerptBefore:at], ' '); i >= 0 {
			from = at - excerptBefore + i + 1
		}
	}
	if to-at > excerptAfter {
		if i := strings.LastIndexByte(text[at:at+excerptAfter], ' '); i >= 0 {
			to = at + i
		}
	}
	short := strings.TrimSpace(text[from:to])
	if from > 0 {
		short = "… " + short
	}
	if to < len(text) {
		short += " …"
	}
	return short
}

// figuresOf are the figures of a clause in order; sureness is none of them.
func figuresOf(clause string) (all []figure) {
	taken := sureness.FindAllStringIndex(clause, -1)
	for _, sort := range []*regexp.Regexp{memories, durations, percents, multiples, counts} {
		for _, at := range sort.FindAllStringSubmatchIndex(clause, -1) {
			overlaps := func(t []int) bool { return at[0] < t[1] && t[0] < at[1] }
			partOfWord := at[0] > 0 && (clause[at[0]-1] == '.' || clause[at[0]-1] >= '0' && clause[at[0]-1] <= '9')
			if slices.ContainsFunc(taken, overlaps) || partOfWord {
				continue
			}
			taken = append(taken, at[:2])
			f := figure{sort: sort, start: at[0], end: at[1]}
			for i := 2; i < len(at); i += 2 {
				group := ""
				if at[i] >= 0 {
					group = clause[at[i]:at[i+1]]
				}
				f.groups = append(f.groups, group)
			}
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b figure) int { return cmp.Compare(a.start, b.start) })
	return all
}

// inClause are the claims of one clause. Their Column is the byte of the clause
// where the figure stands.
func (v vocabulary) inClause(clause string, context []string) (all []Claim) {
	figures, mentions := figuresOf(clause), v.mentions(clause)
	var memory, others []figure
	for _, f := range figures {
		if f.sort == memories {
			memory = append(memory, f)
		} else {
			others = append(others, f)
		}
	}
	together := 0
	if m := parallel.FindStringSubmatch(clause); m != nil {
		together = int(value(m[1]))
	}
	finish := func(c Claim, f figure) {
		c.Column, c.Together = f.start, together
		if c.Where == nil {
			several := ""
			if c.Where, several = v.subject(clause, context, f, mentions); several != "" {
				c.Unclear = cmp.Or(c.Unclear, "it names several levels of "+several+", and not which of them this is of")
			}
		}
		if c.Kind != Needs && c.Kind != PeakMemory {
			switch len(memory) {
			case 0:
			case 1:
				c.Where["memory"] = []string{memory[0].groups[0] + memory[0].groups[1]}
			default:
				c.Unclear = cmp.Or(c.Unclear, "it names several amounts of memory")
			}
		}
		all = append(all, c)
	}
	for _, f := range others {
		if c, ok := v.read(clause, f, mentions); ok {
			finish(c, f)
		}
	}
	switch {
	case len(all) > 0:
	case len(memory) > 0:
		f := memory[0]
		finish(ofMemory(clause, f, len(memory)), f)
	case together > 0 && (fails.MatchString(clause) || works.MatchString(clause)):
		at := parallel.FindStringIndex(clause)
		finish(Claim{Kind: event(clause)}, figure{start: at[0], end: at[1]})
	}
	return all
}

// event is what a clause says that happens.
func event(clause string) Kind {
	at := fails.FindStringIndex(clause)
	if at == nil || denies.MatchString(clause[:at[0]]) {
		if at == nil && denies.MatchString(clause[:works.FindStringIndex(clause)[0]]) {
			return Crashes
		}
		return Never
	}
	return Crashes
}

// ofMemory reads a clause whose only figure is an amount of memory.
func ofMemory(clause string, f figure, n int) (c Claim) {
	bytes, _ := trial.ParseBytes(f.groups[0] + f.groups[1])
	switch {
	case n > 1 && !fails.MatchString(clause):
		return Claim{Unclear: "it names several amounts of memory"}
	case fails.MatchString(clause) || works.MatchString(clause) && !needs.MatchString(clause):
		return Claim{Kind: event(clause)}
	case needs.MatchString(clause[:f.start]):
		return Claim{Kind: Needs, Low: float64(bytes)}
	case peak.MatchString(clause):
		unit := float64(bytes) / value(f.groups[0])
		return bounded(Claim{Kind: PeakMemory}, clause, f, float64(bytes)-unit*half(f.groups[0]), float64(bytes)+unit*half(f.groups[0]))
	}
	return Claim{Unclear: "it does not say what happens with so much memory"}
}

// bounded sets what is claimed by a range and the words before the figure.
func bounded(c Claim, clause string, f figure, low, high float64) Claim {
	before := clause[:f.start]
	c.Low, c.High = low, &high
	switch {
	case atMost.MatchString(before):
		c.Low = 0
	case atLeast.MatchString(before):
		c.High = nil
	case about.MatchString(before):
		c.Low, high = 0.9*low, 1.1*high
	}
	return c
}

// read maps a figure that is no memory; ok is false for one that is no claim.
func (v vocabulary) read(clause string, f figure, mentions []mention) (c Claim, ok bool) {
	after := clause[f.end:]
	compared := faster.MatchString(after) || slower.MatchString(after) || share.MatchString(after)
	switch f.sort {
	case durations:
		return v.ofDuration(clause, f, mentions, compared && connector.MatchString(after) || saves.MatchString(clause[:f.start])), true
	case multiples:
		if !compared {
			return c, false // an event that happened twice
		}
		n := value(cmp.Or(f.groups[0], f.groups[1]))
		slack := 0.25
		if strings.Contains(f.groups[1], ".") {
			slack = half(f.groups[1])
		} else if n < 1 {
			slack = 0.05
		}
		low, high := n-slack, n+slack
		if faster.MatchString(after) && !(slower.MatchString(after) && slower.FindStringIndex(after)[0] < faster.FindStringIndex(after)[0]) {
			low, high = 1/high, 1/low
		}
		return v.against(clause, f, mentions, low, high), true
	case percents:
		return v.ofPercent(clause, f, mentions), true
	case counts:
		n, of := value(f.groups[0]), value(f.groups[1])
		if of == 0 || n > of || !fails.MatchString(clause) && !works.MatchString(clause) {
			return c, false
		}
		return rate(clause, f, n/of, n/of), true
	}
	return c, false
}

func (v vocabulary) ofDuration(clause string, f figure, mentions []mention, compared bool) (c Claim) {
	unit := seconds(f.groups[2])
	low, high := value(f.groups[0])*unit, value(cmp.Or(f.groups[1], f.groups[0]))*unit
	slack := half(cmp.Or(f.groups[1], f.groups[0])) * unit
	if f.groups[3] != "" {
		more := value(f.groups[3]) * seconds(f.groups[4])
		low, high, slack = low+more, high+more, 0.5*seconds(f.groups[4])
	}
	c = bounded(Claim{Kind: Time}, clause, f, max(0, low-slack), high+slack)
	if compared {
		return Claim{Unclear: "differences in time are not held against records"}
	}
	var named []trial.Phase
	for _, phase := range trial.Phases() {
		if p := phases[phase]; p != nil && p.MatchString(clause) {
			named = append(named, phase)
		}
	}
	strategy := slices.ContainsFunc(mentions, func(m mention) bool { return m.factor == "strategy" })
	switch {
	case limits.MatchString(clause):
		c.Unclear = "it reads as a limit or an interval"
	case setup.MatchString(clause):
	case len(named) == 1:
		c.Phase = named[0]
	case len(named) > 1:
		c.Unclear = "it names several phases"
	case !strategy || !takes.MatchString(clause):
		c.Unclear = "it does not say what takes so long"
	}
	return c
}

func (v vocabulary) ofPercent(clause string, f figure, mentions []mention) Claim {
	low, high := value(f.groups[1])/100, value(cmp.Or(f.groups[2], f.groups[1]))/100
	slack := half(f.groups[1]) / 100
	after, signed := clause[f.end:], f.groups[0] != ""
	minus := f.groups[0] == "−" || f.groups[0] == "-"
	isFaster, isSlower := faster.MatchString(after) || saves.MatchString(clause[:f.start]), slower.MatchString(after)
	switch {
	case share.MatchString(after), isSlower && strings.Contains(strings.ToLower(after), "the time"):
		return v.against(clause, f, mentions, low-slack, high+slack)
	case signed && connector.MatchString(after):
		if minus {
			low, high = -high, -low
			if f.groups[2] != "" { // "−7 to +3 %"
				low, high = -value(f.groups[1])/100, value(f.groups[2])/100
			}
		}
		return v.against(clause, f, mentions, 1+low-slack, 1+high+slack)
	case isSlower:
		return v.against(clause, f, mentions, 1+low-slack, 1+high+slack)
	case isFaster && faster.MatchString(after) && !regexp.MustCompile(`(?i)shorter|less time`).MatchString(after):
		// 50 % faster is half the time to some and two thirds of it to others.
		return v.against(clause, f, mentions, 1-high-slack, 1/(1+low-slack))
	case isFaster:
		return v.against(clause, f, mentions, 1-high-slack, 1-low+slack)
	case fails.MatchString(clause) || works.MatchString(clause):
		return rate(clause, f, low, high)
	}
	return Claim{Unclear: "it does not say of what"}
}

// rate is a claim that such a share of trials works, or fails.
func rate(clause string, f figure, low, high float64) Claim {
	if fails.MatchString(clause) {
		low, high = 1-high, 1-low
		// "at most 5 % fail" bounds what works from below.
		switch before := clause[:f.start]; {
		case atMost.MatchString(before):
			high = 1
		case atLeast.MatchString(before):
			low = 0
		}
		return Claim{Kind: Works, Low: low, High: &high}
	}
	c := bounded(Claim{Kind: Works}, clause, f, low, high)
	if c.High == nil || *c.High > 1 {
		one := 1.0
		c.High = &one
	}
	return c
}

// against finds which levels a ratio compares: what stands before the figure
// with what stands after it and a word such as than.
func (v vocabulary) against(clause string, f figure, mentions []mention, low, high float64) Claim {
	c := bounded(Claim{Kind: Ratio}, clause, f, low, high)
	var own, base []mention
	for _, m := range mentions {
		switch {
		case m.start < f.start && beforehand.MatchString(clause[:m.start]):
			base = append(base, m)
		case m.start < f.start:
			own = append(own, m)
		case connector.MatchString(clause[f.end:m.start]) && !words("with|on|at|in|under").MatchString(clause[max(f.end, m.start-6):m.start]):
			base = append(base, m)
		default:
			own = append(own, m)
		}
	}
	if len(base) == 0 {
		c.Unclear = "it does not say than what"
		return c
	}
	c.Against, c.Where = levels(base), levels(own)
	for factor, names := range c.Against {
		switch {
		case len(names) > 1:
			c.Unclear = "it names several levels of " + factor + " to compare with"
		case len(c.Where[factor]) == 0 && factor != "clusterStart":
			c.Unclear = "it does not say which " + factor + " is compared"
		case slices.Contains(c.Where[factor], names[0]) && len(c.Against) == 1:
			c.Unclear = "it compares " + names[0] + " with itself"
		}
	}
	return c
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

// subject are the levels that a figure is about. Of several levels of a factor
// it is all, if they are listed ("Podman and Docker"), or the one that stands
// between the same commas as the figure. What a clause does not name is as in
// its context.
func (v vocabulary) subject(clause string, context []string, f figure, mentions []mention) (where Where, several string) {
	where = levels(mentions)
	from := strings.LastIndexAny(clause[:f.start], ",(") + 1
	to := len(clause)
	if i := strings.IndexAny(clause[f.end:], ",;"); i >= 0 {
		to = f.end + i
	}
	for factor, names := range where {
		if len(names) < 2 {
			continue
		}
		var all, near []mention
		for _, m := range mentions {
			if m.factor != factor {
				continue
			}
			all = append(all, m)
			if m.start >= from && m.end <= to {
				near = append(near, m)
			}
		}
		one := levels(near)[factor]
		switch {
		case len(one) == 1:
			where[factor] = one
		case !listed(clause, all):
			several = factor
		}
	}
	for _, text := range context {
		for factor, names := range levels(v.mentions(text)) {
			if len(where[factor]) == 0 && len(names) == 1 {
				where[factor] = names
			}
		}
	}
	return where, several
}

var list = regexp.MustCompile(`^(?:,|,? ?(?:and|or|as well as)|/|\s)+$`)

// listed reports whether nothing but commas and conjunctions stands between the
// mentions.
func listed(clause string, all []mention) bool {
	for i := 1; i < len(all); i++ {
		if !list.MatchString(clause[all[i-1].end:all[i].start]) {
			return false
		}
	}
	return true
}
