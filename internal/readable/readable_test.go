package readable

import (
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"
)

func TestTextInAnyEncodingIsReadable(t *testing.T) {
	const text = "#9 [3/4] RUN make\n\x1b[31mERROR: größer, время 12:00\x1b[0m\n"
	wide := func(text string, mark bool) (out []byte) {
		if mark {
			text = "\uFEFF" + text
		}
		for _, u := range utf16.Encode([]rune(text)) {
			out = append(out, byte(u), byte(u>>8))
		}
		return out
	}
	var frames []byte // as Docker's API sends logs
	for _, line := range strings.SplitAfter(text, "\n") {
		frames = append(append(frames, 1, 0, 0, 0, 0, 0, 0, byte(len(line))), line...)
	}
	for name, start := range map[string][]byte{
		"UTF-8": []byte(text), "Latin-1": []byte("Ger\xe4t voll \xe4\xf6\xfc\n"), "KOI8": bytes.Repeat([]byte{0xd7, 0xd2, 0xc5, 0xcd, 0xd1, ' '}, 9),
		"UTF-16": wide(text, true), "UTF-16 of another script": wide(strings.Repeat("構建失敗", 40), true), "UTF-16 without a mark": wide(text, false),
		"zeros in front": append(make([]byte, 4096), text...), "frames": frames, "a letter": []byte("x"),
	} {
		if err := Check(start); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsNoTextIsNamed(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte("a log")) // to memory
	_ = w.Close()
	random, noise := rand.New(rand.NewPCG(1, 2)), make([]byte, 2000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for want, start := range map[string][]byte{
		"gzip -dc": packed.Bytes(), "unzip -p": []byte("PK\x03\x04\x14\x00"), "zero bytes": make([]byte, 100), "no text": noise,
	} {
		if err := Check(start); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
