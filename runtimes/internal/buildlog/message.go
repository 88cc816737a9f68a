// Package buildlog reads what builders that work one step after the other
// print: Podman's and Docker's classic one. The two print different lines in
// the same wrapping.
package buildlog

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Message is one element of the stream in which an engine tells how a build,
// a load, a pull or a push goes.
type Message struct {
	Stream string
	// Error is what ended the operation, in the engine's words.
	Error string
	// ID is the image that a build made, where the engine says so.
	ID string
}

// UnmarshalJSON accepts an error in both of the places where it is put: older
// engines write only the plain one, and it may not be lost.
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
	*m = Message{Stream: wire.Stream, Error: wire.Detail.Message, ID: imageID(wire.Aux)}
	if m.Error == "" {
		m.Error = wire.Error
	}
	m.Error = strings.TrimRight(m.Error, "\n")
	return nil
}

// imageID looks for an image's ID in aux, which holds other things as well.
func imageID(aux json.RawMessage) string {
	var image struct{ ID string }
	if json.Unmarshal(aux, &image) != nil {
		return ""
	}
	return image.ID
}

// Read calls each for every message until the stream ends as it should. An
// error in a message is the result's.
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
