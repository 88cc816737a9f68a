package buildlog

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	for name, c := range map[string]struct{ stream, want, err string }{
		"empty":           {"", "", ""},
		"output":          {`{"stream":"one\n"}` + "\n" + `{"stream":"two\n"}`, "one\ntwo\n", ""},
		"of no use":       {`{"status":"Pulling","progressDetail":{"current":3}}`, "", ""},
		"both errors":     {`{"stream":"one\n"}{"errorDetail":{"message":"no space"},"error":"no space"}`, "one\n", "no space"},
		"the older error": {`{"error":"exit status 7\n"}{"stream":"late"}`, "", "exit status 7"},
		"things in aux":   {`{"aux":{"ID":"sha256:12"}}{"aux":["a"]}`, "", ""},
		"cut off":         {`{"stream":"one\n"}{"str`, "one\n", io.ErrUnexpectedEOF.Error()},
		"no JSON":         {`<html>`, "", "invalid character '<' looking for beginning of value"},
	} {
		t.Run(name, func(t *testing.T) {
			var got strings.Builder
			err := Read(strings.NewReader(c.stream), func(text string) { got.WriteString(text) })
			if err == nil {
				err = errors.New("")
			}
			if got.String() != c.want || err.Error() != c.err {
				t.Errorf("read %q with the error %q, want %q and %q", got.String(), err, c.want, c.err)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"stream":"one\n"}{"errorDetail":{"message":"no space"},"error":"no space"}`)
	f.Add(`{"aux":{"ID":"sha256:12"}}{"error":"x"`)
	f.Add(`{"stream":1}`)
	f.Fuzz(func(t *testing.T, stream string) {
		_ = Read(strings.NewReader(stream), func(string) {}) // it does not panic
	})
}
