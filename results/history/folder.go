package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// folder is a folder of history that this process alone may add to.
type folder struct {
	dir  string
	lock *os.File
}

// hold waits for the folder, and creates it where there is none. The lock is
// on the folder itself: nothing that is not history lies in it.
func hold(dir string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("creating the folder of the history: %w", err)
	}
	lock, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of the history: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("waiting for the history in %s: %w", dir, err), lock.Close())
	}
	return &folder{dir, lock}, nil
}

func (f *folder) release() error { return f.lock.Close() }

// append adds lines to the end of a file, or makes the file. What stands in it
// is never changed: a line that a killed writer left unfinished is ended, so
// that the reader reports it and the next line stands on its own.
func (f *folder) append(name string, lines [][]byte) (err error) {
	if len(lines) == 0 {
		return nil
	}
	path := filepath.Join(f.dir, name)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("opening %s of the history: %w", name, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var text []byte
	if unfinished, err := endsInMidLine(file); err != nil {
		return fmt.Errorf("reading the end of %s: %w", path, err)
	} else if unfinished {
		text = append(text, '\n')
	}
	for _, l := range lines {
		text = append(append(text, l...), '\n')
	}
	if _, err := file.Write(text); err != nil {
		return fmt.Errorf("adding to %s: %w; free or repair the disk and do it again, what is missing will be added", path, err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("syncing %s to disk: %w", path, err)
	}
	return f.lock.Sync()
}

func endsInMidLine(file *os.File) (bool, error) {
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil || end == 0 {
		return false, err
	}
	last := make([]byte, 1)
	_, err = file.ReadAt(last, end-1)
	return last[0] != '\n', err
}

// fileName is where a run's lines are kept. The host is part of it, so that
// two hosts' folders can be joined by copying files.
func fileName(h Header) string {
	if h.Host() == "" {
		return h.RunID + fileEnd
	}
	return h.RunID + "." + h.Host() + fileEnd
}

const fileEnd = ".jsonl"

func encode(line any) ([]byte, error) {
	text, err := json.Marshal(line)
	if err != nil {
		return nil, fmt.Errorf("encoding a line of the history: %w", err)
	}
	return text, nil
}
