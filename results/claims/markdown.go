package claims

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"github.com/stratbench/stratbench/results/study"
)

// OfMarkdown finds the claims of a Markdown text: of its paragraphs, lists and
// tables, and of no code. The study's factors and levels are the words that it
// knows.
func OfMarkdown(source []byte, s study.Study) (all []Claim) {
	v := newVocabulary(s)
	document := goldmark.New(goldmark.WithExtensions(extension.Table)).Parser().Parse(text.NewReader(source))
	heading := ""
	_ = ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			heading = plain(n, source).text
			all = append(all, v.claims(plain(n, source), "")...)
		case *ast.Paragraph, *ast.TextBlock:
			all = append(all, v.claims(plain(n, source), heading)...)
		case *extast.Table:
			all = append(all, v.ofTable(n, source)...)
			return ast.WalkSkipChildren, nil
		case *ast.FencedCodeBlock, *ast.CodeBlock, *ast.HTMLBlock:
			return ast.WalkSkipChildren, nil
		}
		return ast.WalkContinue, nil
	})
	for i := range all {
		offset := all[i].Column
		before := source[:offset]
		all[i].Line = 1 + bytes.Count(before, []byte("\n"))
		all[i].Column = 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	}
	return all
}

// passage is a text without its marks, and where in the source each byte of it
// stands.
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

// space is one that stands for a break of lines or of cells.
func (p *passage) space() {
	if len(p.at) > 0 {
		p.text, p.at = p.text+" ", append(p.at, p.at[len(p.at)-1])
	}
}

// plain is the text of a block, without images.
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
				p.space()
			}
		}
		return ast.WalkContinue, nil
	})
	return p
}

// ofTable reads each cell with the head of its column and the first cell of its
// row: "parallel", "Setup (min)", "17" is that parallel's set-up takes 17 min.
func (v vocabulary) ofTable(table *extast.Table, source []byte) (all []Claim) {
	var heads []passage
	for row := table.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []passage
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			cells = append(cells, plain(cell, source))
		}
		if _, isHead := row.(*extast.TableHeader); isHead {
			heads = cells
			continue
		}
		for i := 1; i < len(cells) && i < len(heads); i++ {
			statement := cells[0]
			statement.at = append([]int(nil), statement.at...)
			statement.space()
			statement.add(heads[i].text, 0)
			statement.add(" takes ", 0)
			first := len(statement.text)
			statement.text, statement.at = statement.text+cells[i].text, append(statement.at, cells[i].at...)
			if unit := unitOf(heads[i].text); unit != "" && bareNumber.MatchString(cells[i].text) && len(cells[i].at) > 0 {
				statement.add(" "+unit, cells[i].at[len(cells[i].at)-1])
			}
			for _, c := range v.inSentence(statement, nil) {
				// Only what stands in the cell itself.
				if len(cells[i].at) > 0 && c.Column >= cells[i].at[0] && len(statement.text) > first {
					c.Text = strings.TrimSpace(cells[0].text) + ", " + strings.TrimSpace(heads[i].text) + ": " + strings.TrimSpace(cells[i].text)
					all = append(all, c)
				}
			}
		}
	}
	return all
}
