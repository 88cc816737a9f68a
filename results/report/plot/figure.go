// Package plot draws the figures of a report, as SVG and PNG. The colours are
// those of Okabe and Ito, which people with any colour vision tell apart; shapes
// and labels repeat what they say.
package plot

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"image/color"
	"image/png"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/stratbench/stratbench/internal/host"
)

// Figure is one drawing.
type Figure struct {
	// Name is the stem of its files; Title and Caption stand beside it; Alt says
	// in one sentence what it shows.
	Name, Title, Caption, Alt string
	wide                      view
	// narrow is for telephones; a figure without one is scaled.
	narrow view
}

// view is a drawing of one size.
type view struct {
	width, height vg.Length
	draw          func(draw.Canvas)
}

// PNG returns the figure as an image: sharp on common screens, small on disk.
func (f Figure) PNG() ([]byte, error) {
	c := vgimg.NewWith(vgimg.UseWH(f.wide.width, f.wide.height), vgimg.UseDPI(144))
	f.wide.draw(draw.New(c))
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, c.Image())
	return b.Bytes(), err
}

// WriteFiles writes the figure into a folder as SVG and, if asked for, as PNG.
func (f Figure) WriteFiles(dir string, withPNG bool) error {
	formats := map[string]func() ([]byte, error){".svg": f.SVG}
	if withPNG {
		formats[".png"] = f.PNG
	}
	for extension, draw := range formats {
		text, err := draw()
		if err == nil {
			err = host.WriteFile(filepath.Join(dir, f.Name+extension), text)
		}
		if err != nil {
			return fmt.Errorf("writing the figure %s: %w", f.Name, err)
		}
	}
	return nil
}

// simulatedMark begins the title of what no engine produced.
const simulatedMark = "SIMULATED, no engine produced this: "

// The colours of Okabe and Ito.
var (
	black     = color.RGBA{0x1a, 0x1a, 0x1a, 0xff}
	grey      = color.RGBA{0x88, 0x88, 0x88, 0xff}
	light     = color.RGBA{0xdd, 0xdd, 0xdd, 0xff}
	blue      = color.RGBA{0x00, 0x72, 0xb2, 0xff}
	orange    = color.RGBA{0xe6, 0x9f, 0x00, 0xff}
	green     = color.RGBA{0x00, 0x9e, 0x73, 0xff}
	vermilion = color.RGBA{0xd5, 0x5e, 0x00, 0xff}
	purple    = color.RGBA{0xcc, 0x79, 0xa7, 0xff}
	sky       = color.RGBA{0x56, 0xb4, 0xe9, 0xff}
)

// Series are told apart by colour and by shape.
var (
	series = []color.RGBA{blue, vermilion, green, purple, orange, sky, black, grey}
	shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.RingGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}}
)

func seriesColor(i int) color.RGBA { return series[i%len(series)] }

func shape(i int) draw.GlyphDrawer { return shapes[i%len(shapes)] }

func faint(c color.RGBA, alpha float64) color.NRGBA {
	return color.NRGBA{c.R, c.G, c.B, uint8(alpha * 255)}
}

const (
	width     = 19 * vg.Centimeter
	textSize  = 10
	smallSize = 9
)

func pts(v float64) vg.Length { return vg.Points(v) }

// sans is the typeface of everything: legible at half size.
func sans(size float64) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: pts(size)}
}

// base is an empty plot in the house's style.
func base(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.TextStyle.Font = sans(textSize + 2)
	p.Title.Padding = pts(8)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = sans(textSize)
		a.Tick.Label.Font = sans(textSize)
		a.LineStyle.Color = grey
		a.Tick.LineStyle.Color = grey
		a.Label.Padding = pts(4)
	}
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.BackgroundColor = color.White
	return p
}

// paper makes the canvas white, and returns it within a margin: nothing is cut off.
func paper(c draw.Canvas) draw.Canvas {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	return draw.Crop(c, pts(8), -pts(14), pts(8), -pts(8))
}

// painter is a plotter made of a function.
type painter func(c draw.Canvas, x, y func(float64) vg.Length)

// Plot implements plot.Plotter.
func (f painter) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	f(c, x, y)
}

// unitFor is the unit in which times up to most seconds read best, and its seconds.
func unitFor(most float64) (name string, seconds float64) {
	switch {
	case most > 3*3600:
		return "h", 3600
	case most > 180:
		return "min", 60
	}
	return "s", 1
}

// ticks is about how many ticks an axis has, at round numbers from 0.
type ticks float64

// Ticks implements plot.Ticker.
func (n ticks) Ticks(low, high float64) (all []plot.Tick) {
	step := 1.0
	if rough := (high - low) / float64(n); rough > 0 {
		power := math.Pow(10, math.Floor(math.Log10(rough)))
		step = 10 * power
		for _, m := range []float64{5, 2, 1} {
			if m*power >= rough {
				step = m * power
			}
		}
	}
	for v := math.Ceil(low/step) * step; v <= high+step/1e6; v += step {
		all = append(all, plot.Tick{Value: v, Label: fmt.Sprintf("%g", math.Round(v*1e9)/1e9)})
	}
	return all
}

func line(c draw.Canvas, col color.Color, thick float64, points ...vg.Point) {
	c.StrokeLines(draw.LineStyle{Color: col, Width: pts(thick)}, points)
}

func dashed(c draw.Canvas, col color.Color, points ...vg.Point) {
	c.StrokeLines(draw.LineStyle{Color: col, Width: pts(1), Dashes: []vg.Length{pts(3), pts(3)}}, points)
}

func box(c draw.Canvas, col color.Color, x0, y0, x1, y1 vg.Length) {
	c.FillPolygon(col, []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}})
}

func glyph(c draw.Canvas, shape draw.GlyphDrawer, col color.Color, size float64, x, y vg.Length) {
	c.DrawGlyph(draw.GlyphStyle{Shape: shape, Color: col, Radius: pts(size)}, vg.Point{X: x, Y: y})
}

// write puts text at a point; alignments are -0.5 for the middle, 0 and -1 for ends.
func write(c draw.Canvas, col color.Color, size float64, x, y vg.Length, alignX, alignY float64, words string) {
	c.FillText(text.Style{Color: col, Font: sans(size), XAlign: text.XAlignment(alignX), YAlign: text.YAlignment(alignY), Handler: plot.DefaultTextHandler},
		vg.Point{X: x, Y: y}, words)
}

func wide(size float64, words string) vg.Length {
	return text.Style{Font: sans(size), Handler: plot.DefaultTextHandler}.Width(words)
}

// cross marks what failed: an × of two strokes.
func cross(c draw.Canvas, col color.Color, size float64, x, y vg.Length) {
	s := pts(size)
	line(c, col, 1.5, vg.Point{X: x - s, Y: y - s}, vg.Point{X: x + s, Y: y + s})
	line(c, col, 1.5, vg.Point{X: x - s, Y: y + s}, vg.Point{X: x + s, Y: y - s})
}

// spread moves labels apart in their order, each as near to its place as it can be.
func spread(places []vg.Length, apart, low, high vg.Length) []vg.Length {
	order := make([]int, len(places))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(places[a], places[b]) })
	moved := slices.Clone(places)
	for _, i := range order {
		moved[i] = max(moved[i], low)
		low = moved[i] + apart
	}
	for _, i := range slices.Backward(order) {
		moved[i] = min(moved[i], high)
		high = moved[i] - apart
	}
	return moved
}

// SVG returns the figure as an SVG document.
func (f Figure) SVG() ([]byte, error) { return f.wide.svg() }

// NarrowSVG returns it as drawn for telephones, if it is.
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

// inTheDark has a viewer's dark page show dark colours. Print is always light.
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

// anyTypeface gives texts their lengths and names typefaces of the same widths: in a viewer
// that lacks the original one, texts would otherwise run into each other.
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
