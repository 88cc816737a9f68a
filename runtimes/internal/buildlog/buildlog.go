// Package buildlog reads the stream in which both engines report the progress of
// loads, pulls and pushes, and Podman that of builds.
package buildlog

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Read calls output with each piece of output until the end of the stream. It returns
// the first error in the stream, in the engine's words.
func Read(r io.Reader, output func(text string)) error {
	for decoder := json.NewDecoder(r); ; {
		var m struct {
			Stream string `json:"stream"`
			// Older engines report an error only in the plain field.
			Error  string `json:"error"`
			Detail struct {
				Message string `json:"message"`
			} `json:"errorDetail"`
		}
		if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if text := strings.TrimRight(cmp.Or(m.Detail.Message, m.Error), "\n"); text != "" {
			return errors.New(text)
		}
		output(m.Stream)
	}
}
