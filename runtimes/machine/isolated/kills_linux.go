package isolated

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// killWatch reads from the kernel's log whom it killed for want of memory in
// one machine. The log alone tells the name.
type killWatch struct {
	group string
	kmsg  *os.File
	done  chan struct{}
	mu    sync.Mutex
	kills []OOMKill
}

// watchKills watches from now on. Where the log cannot be read, nothing is
// known of names, and the counters of the control group still count.
func watchKills(group string) *killWatch {
	w := &killWatch{group: group, done: make(chan struct{})}
	f, err := os.OpenFile("/dev/kmsg", os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err == nil {
		_, err = f.Seek(0, unix.SEEK_END)
	}
	if err != nil {
		close(w.done)
		return w
	}
	w.kmsg = f
	go w.follow()
	return w
}

func (w *killWatch) follow() {
	defer close(w.done)
	record := make([]byte, 8192)
	for {
		n, err := w.kmsg.Read(record)
		if errors.Is(err, syscall.EPIPE) {
			continue // records were overwritten before they were read
		}
		if err != nil {
			return
		}
		if k, ok := parseKill(string(record[:n]), w.group); ok {
			k.At = time.Now()
			w.mu.Lock()
			w.kills = append(w.kills, k)
			w.mu.Unlock()
		}
	}
}

func (w *killWatch) list() []OOMKill {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]OOMKill(nil), w.kills...)
}

func (w *killWatch) stop() {
	if w.kmsg != nil {
		w.kmsg.Close()
	}
	<-w.done
}
