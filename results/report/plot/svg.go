package plot

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// SVG returns the figure as an SVG document.
func (f Figure) SVG() ([]byte, error) { return f.wide.svg() }

// NarrowSVG returns it as it is drawn for telephones; nothing where it has no
// such drawing.
func (f Figure) NarrowSVG() ([]byte, error) {
	if f.narrow.draw == nil {
		return nil, nil
	}
	return f.narrow.svg()
}

func (v view) svg() ([]byte, error) {
	c := vgsvg.New(v.width, v.height)
	v.draw(draw.New(c))
	var b bytes.Buffer
	_, err := c.WriteTo(&b)
	return inTheDark(anyTypeface(b.Bytes())), err
}

// darkColors are what the colours of a light page become on a dark one.
var darkColors = []struct{ light, dark color.RGBA }{
	{color.RGBA{0xff, 0xff, 0xff, 0xff}, color.RGBA{0x1c, 0x1f, 0x24, 0xff}},
	{black, color.RGBA{0xe8, 0xe8, 0xe8, 0xff}},
	{grey, color.RGBA{0xa8, 0xad, 0xb5, 0xff}},
	{light, color.RGBA{0x3c, 0x41, 0x49, 0xff}},
	{blue, color.RGBA{0x4a, 0xa8, 0xe0, 0xff}},
	{green, color.RGBA{0x2f, 0xc4, 0x97, 0xff}},
	{vermilion, color.RGBA{0xff, 0x8a, 0x3d, 0xff}},
}

var svgColor = regexp.MustCompile(`(?:fill|stroke):#[0-9A-F]{6}`)

// inTheDark gives the drawing the colours of a dark page where its viewer asks for
// one. Print is always light.
func inTheDark(svg []byte) []byte {
	var rules strings.Builder
	used := map[string]bool{}
	for _, u := range svgColor.FindAll(svg, -1) {
		used[string(u)] = true
	}
	for _, u := range slices.Sorted(maps.Keys(used)) {
		property, hex, _ := strings.Cut(u, ":#")
		value, _ := strconv.ParseUint(hex, 16, 32)
		for _, c := range darkColors {
			// What is drawn half transparent comes back rounded.
			if near(value>>16, c.light.R) && near(value>>8&0xff, c.light.G) && near(value&0xff, c.light.B) {
				fmt.Fprintf(&rules, `[style*="%s"]{%s:#%02X%02X%02X!important}`, u, property, c.dark.R, c.dark.G, c.dark.B)
			}
		}
	}
	style := "<style>@media screen and (prefers-color-scheme:dark){" + rules.String() + "}</style>"
	start := bytes.Index(svg, []byte("<svg"))
	return slices.Insert(svg, start+bytes.IndexByte(svg[start:], '>')+1, []byte(style)...)
}

func near(a uint64, b uint8) bool { return max(a, uint64(b))-min(a, uint64(b)) <= 2 }

var svgText = regexp.MustCompile(`(?s)<text ([^>]*style="[^"]*font-size:([0-9.]+)px[^"]*")>([^<]*)</text>`)

// anyTypeface gives every text the length that it was laid out with, and names
// typefaces of the same widths: in a viewer that lacks the original one, texts would
// otherwise run into each other.
func anyTypeface(svg []byte) []byte {
	svg = svgText.ReplaceAllFunc(svg, func(element []byte) []byte {
		part := svgText.FindSubmatch(element)
		size, _ := strconv.ParseFloat(string(part[2]), 64)
		words := html.UnescapeString(string(part[3]))
		if words == "" {
			return element
		}
		return fmt.Appendf(nil, `<text textLength="%.5g" lengthAdjust="spacingAndGlyphs" %s>%s</text>`, wide(size, words).Points(), part[1], part[3])
	})
	return bytes.ReplaceAll(svg, []byte("font-family:Liberation Sans;"), []byte("font-family:'Liberation Sans',Arimo,Arial,Helvetica,sans-serif;"))
}
