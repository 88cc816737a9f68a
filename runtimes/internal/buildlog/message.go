// Package buildlog reads the output of builders that run one step after the other:
// Podman's and Docker's classic one. The two print different lines in the same
// stream format.
package buildlog

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Message is one element of the stream in which an engine reports the progress of a
// build, a load, a pull or a push.
type Message struct {
	Stream string
	// Error is what ended the operation, in the engine's words.
	Error string
	// ID is the image that a build made, if the engine says so.
	ID string
}

// UnmarshalJSON accepts an error in both of its places, because older engines write
// only the plain one.
func (m *Message) UnmarshalJSON(b []byte) error {
	var wire struct {
		Stream string `json:"stream"`
		Error  string `json:"error"`
		Detail struct {
			Message string `json:"message"`
		} `json:"errorDetail"`
		Aux json.RawMessage `json:"aux"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	var image struct{ ID string }
	_ = json.Unmarshal(wire.Aux, &image) // it holds other things as well
	*m = Message{Stream: wire.Stream, Error: strings.TrimRight(cmp.Or(wire.Detail.Message, wire.Error), "\n"), ID: image.ID}
	return nil
}

// Read calls each for every message until the end of the stream. It returns the
// first error that a message holds.
func Read(r io.Reader, each func(Message)) error {
	decoder := json.NewDecoder(r)
	for {
		var m Message
		err := decoder.Decode(&m)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if m.Error != "" {
			return errors.New(m.Error)
		}
		each(m)
	}
}
