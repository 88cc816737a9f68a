package testreport

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// longestLine bounds the memory that one line can take. What is beyond it is
// dropped: no framing line is that long.
const longestLine = 1 << 20

// eachLine calls line for each line of r, without its end.
func eachLine(r io.Reader, line func(string)) error {
	in := bufio.NewReaderSize(r, 64<<10)
	var rest []byte
	for {
		part, err := in.ReadSlice('\n')
		if len(rest) < longestLine {
			rest = append(rest, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err == nil || len(rest) > 0 {
			line(string(bytes.TrimRight(rest, "\r\n")))
			rest = rest[:0]
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading test output: %w", err)
		}
	}
}
