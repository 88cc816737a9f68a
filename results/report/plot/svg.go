package plot

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strconv"

	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// SVG returns the figure as an SVG document.
func (f Figure) SVG() ([]byte, error) {
	c := vgsvg.New(f.width, f.height)
	f.draw(draw.New(c))
	var b bytes.Buffer
	_, err := c.WriteTo(&b)
	return anyTypeface(b.Bytes()), err
}

var svgText = regexp.MustCompile(`(?s)<text ([^>]*style="[^"]*font-size:([0-9.]+)px[^"]*")>([^<]*)</text>`)

// anyTypeface gives every text the length that it was laid out with, and names
// typefaces of the same widths: a viewer without the one drawn with would
// otherwise let texts run into each other.
func anyTypeface(svg []byte) []byte {
	svg = svgText.ReplaceAllFunc(svg, func(element []byte) []byte {
		part := svgText.FindSubmatch(element)
		size, err := strconv.ParseFloat(string(part[2]), 64)
		words := html.UnescapeString(string(part[3]))
		if err != nil || words == "" {
			return element
		}
		return fmt.Appendf(nil, `<text textLength="%.5g" lengthAdjust="spacingAndGlyphs" %s>%s</text>`, wide(size, words).Points(), part[1], part[3])
	})
	return bytes.ReplaceAll(svg, []byte("font-family:Liberation Sans;"), []byte("font-family:'Liberation Sans',Arimo,Arial,Helvetica,sans-serif;"))
}
