// Package plot draws the figures of a report, as SVG and PNG. The colours are
// those of Okabe and Ito, which people with any colour vision tell apart;
// shape or label say the same again.
package plot

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
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

// dpi of PNGs: sharp on common screens, small on disk.
const dpi = 144

// PNG returns the figure as an image.
func (f Figure) PNG() ([]byte, error) {
	c := vgimg.NewWith(vgimg.UseWH(f.wide.width, f.wide.height), vgimg.UseDPI(dpi))
	f.wide.draw(draw.New(c))
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, c.Image())
	return b.Bytes(), err
}

// WriteFiles writes the figure into the folder dir, as SVG and, if asked for, as
// PNG.
func (f Figure) WriteFiles(dir string, withPNG bool) error {
	formats := map[string]func() ([]byte, error){".svg": f.SVG}
	if withPNG {
		formats[".png"] = f.PNG
	}
	for extension, draw := range formats {
		text, err := draw()
		if err != nil {
			return fmt.Errorf("drawing %s: %w", f.Name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name+extension), text, 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", f.Name, err)
		}
	}
	return nil
}

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

var series = []color.RGBA{blue, vermilion, green, purple, orange, sky, black, grey}

func seriesColor(i int) color.RGBA { return series[i%len(series)] }

func faint(c color.RGBA, alpha float64) color.NRGBA {
	return color.NRGBA{c.R, c.G, c.B, uint8(alpha * 255)}
}

const (
	width     = 19 * vg.Centimeter
	textSize  = 10
	smallSize = 9
)

// sans is the typeface of everything: legible at half size.
func sans(size float64) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(size)}
}

// base is an empty plot in the house's style.
func base(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.TextStyle.Font = sans(textSize + 2)
	p.Title.Padding = vg.Points(8)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = sans(textSize)
		a.Tick.Label.Font = sans(textSize)
		a.LineStyle.Color = grey
		a.Tick.LineStyle.Color = grey
		a.Label.Padding = vg.Points(4)
	}
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.BackgroundColor = color.White
	return p
}

// framed draws a plot with a margin, so that nothing is cut off.
func framed(p *plot.Plot) func(draw.Canvas) {
	return func(c draw.Canvas) {
		c.SetColor(color.White)
		c.Fill(c.Rectangle.Path())
		p.Draw(draw.Crop(c, vg.Points(8), -vg.Points(14), vg.Points(8), -vg.Points(8)))
	}
}

// timeScale is the unit in which times up to most seconds read best.
type timeScale struct {
	unit    string
	seconds float64
}

func scaleFor(most float64) timeScale {
	switch {
	case most > 3*3600:
		return timeScale{"h", 3600}
	case most > 180:
		return timeScale{"min", 60}
	}
	return timeScale{"s", 1}
}

func (s timeScale) of(seconds float64) float64 { return seconds / s.seconds }

// ticks are at round numbers, from 0.
type ticks struct{ format string }

func (t ticks) Ticks(low, high float64) []plot.Tick { return marks(low, high, 6, t.format) }

// coarse ticks are for low panels.
type coarse struct{ format string }

func (t coarse) Ticks(low, high float64) []plot.Tick { return marks(low, high, 3, t.format) }

func marks(low, high, about float64, format string) (all []plot.Tick) {
	step := niceStep((high - low) / about)
	for v := math.Ceil(low/step) * step; v <= high+step/1e6; v += step {
		all = append(all, plot.Tick{Value: v, Label: fmt.Sprintf(format, cleanZero(v))})
	}
	return all
}

func cleanZero(v float64) float64 {
	if math.Abs(v) < 1e-9 {
		return 0
	}
	return math.Round(v*1e9) / 1e9
}

func niceStep(rough float64) float64 {
	if !(rough > 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*power >= rough {
			return m * power
		}
	}
	return 10 * power
}
