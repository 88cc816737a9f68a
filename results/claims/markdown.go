package claims

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"github.com/stratbench/stratbench/results/study"
)

// OfMarkdown finds the claims of a Markdown text: of its headings, paragraphs, lists and
// tables, and of no code. It knows the study's factors and levels as words.
func OfMarkdown(source []byte, s study.Study) (all []Claim) {
	v := newVocabulary(s)
	document := goldmark.New(goldmark.WithExtensions(extension.Table)).Parser().Parse(text.NewReader(source))
	var heading Where
	_ = ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			title := plain(n, source)
			heading = levels(v.mentions(title.text))
			all = append(all, v.claims(title, nil)...)
		case *ast.Paragraph, *ast.TextBlock:
			all = append(all, v.claims(plain(n, source), heading)...)
		case *extast.Table:
			all = append(all, v.ofTable(n, source, s)...)
			return ast.WalkSkipChildren, nil
		case *ast.FencedCodeBlock, *ast.CodeBlock, *ast.HTMLBlock:
			return ast.WalkSkipChildren, nil
		}
		return ast.WalkContinue, nil
	})
	for i := range all {
		before := source[:all[i].Column]
		all[i].Line = 1 + bytes.Count(before, []byte("\n"))
		all[i].Column = 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	}
	return all
}

// passage is a text without markup, and where in the source each of its bytes is.
type passage struct {
	text string
	at   []int
}

func (p *passage) add(text string, at int) {
	for i := range len(text) {
		p.at = append(p.at, at+i)
	}
	p.text += text
}

// braces hold settings, such as "{cluster: 30s}".
var braces = regexp.MustCompile(`\{[^{}]*\}`)

// plain is the text of a block, without images, and with blanks for settings in braces.
func plain(block ast.Node, source []byte) (p passage) {
	_ = ast.Walk(block, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Image, *ast.RawHTML, *ast.AutoLink:
			return ast.WalkSkipChildren, nil
		case *ast.Text:
			p.add(string(n.Segment.Value(source)), n.Segment.Start)
			if n.SoftLineBreak() || n.HardLineBreak() {
				p.add(" ", n.Segment.Stop-1)
			}
		}
		return ast.WalkContinue, nil
	})
	for braces.MatchString(p.text) {
		p.text = braces.ReplaceAllStringFunc(p.text, func(inner string) string { return strings.Repeat(" ", len(inner)) })
	}
	return p
}

// ofTable reads each cell with the head of its column and the first cell of its
// row: "parallel", "Setup (min)", "17" becomes "parallel Setup (min) takes 17 min". The
// levels of a row, below the names of their factors, are those of its figures.
func (v vocabulary) ofTable(table *extast.Table, source []byte, s study.Study) (all []Claim) {
	var rows [][]passage // of as many cells each, the heads first
	for row := table.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []passage
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			cells = append(cells, plain(cell, source))
		}
		rows = append(rows, cells)
	}
	heads, rows := rows[0], rows[1:]
	trimmed := func(cell passage) string { return strings.TrimSpace(cell.text) }
	isLevel := func(factor string, cell passage) bool {
		return slices.ContainsFunc(s.Trials, func(o study.Observation) bool { return isAt(o, factor, trimmed(cell)) })
	}
	factors := map[int]string{} // by column
	for i, head := range heads {
		name := trimmed(head)
		_, is := s.Factor(name)
		if is && slices.ContainsFunc(rows, func(cells []passage) bool { return isLevel(name, cells[i]) }) {
			factors[i] = name
		}
	}
	for _, cells := range rows {
		for i := 1; i < len(cells); i++ {
			cell := cells[i]
			if cell.text == "" || factors[i] != "" {
				continue
			}
			// What stands in the other two has no place of its own.
			statement := passage{}
			statement.add(cells[0].text+" "+heads[i].text+" takes ", -len(source))
			statement.text, statement.at = statement.text+cell.text, append(statement.at, cell.at...)
			if unit := headUnit.FindStringSubmatch(trimmed(heads[i])); unit != nil && bareNumber.MatchString(cell.text) {
				statement.add(" "+cmp.Or(unit[1], unit[2]), cell.at[len(cell.at)-1])
			}
			for _, c := range v.claims(statement, nil) {
				if c.Column >= cell.at[0] {
					for column, factor := range factors {
						level := trimmed(cells[column])
						if level != "" && (len(c.Where[factor]) == 0 || isLevel(factor, cells[column])) {
							c.Where[factor] = []string{level}
						}
					}
					c.Text = trimmed(cells[0]) + ", " + trimmed(heads[i]) + ": " + trimmed(cell)
					all = append(all, c)
				}
			}
		}
	}
	return all
}
