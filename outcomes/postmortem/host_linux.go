package postmortem

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/internal/trial"
)

// inotify asks for one more inotify instance. Instances are counted by user for the whole
// host, so what is left to this user shows nothing of another user's engine.
func (i *investigation) inotify(context.Context) Report {
	if i.inside == nil {
		return only(trial.StateNotOurs, "the engine may be another user's")
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	switch {
	case errors.Is(err, unix.EMFILE):
		return only(trial.StateExhausted, "the host has no instance left (fs.inotify.max_user_instances)")
	case err != nil:
		return only(trial.StateUnknown, err.Error())
	}
	unix.Close(fd)
	return only(trial.StateFree, "one more instance could be had")
}

// kernel reads the messages that the kernel wrote since the trial began and that can
// explain a failure. The log is the whole host's.
func (i *investigation) kernel(ctx context.Context) Report {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return only(trial.StateUnreadable, (&os.PathError{Op: "open", Path: "/dev/kmsg", Err: err}).Error())
	}
	defer unix.Close(fd)
	var now unix.Timespec // since the boot
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	began := time.Duration(now.Nano()) - time.Since(i.Began)
	var kept []string
	record := make([]byte, 8192)
	for ctx.Err() == nil {
		n, err := unix.Read(fd, record)
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EINTR) {
			continue // records were overwritten before they were read
		}
		if err != nil || n <= 0 {
			break
		}
		if at, text, ok := parseRecord(string(record[:n])); ok && at >= began && telling.MatchString(text) {
			kept = append(kept, text)
		}
	}
	if len(kept) == 0 {
		return only(trial.StateNothingOfNote, "no kill, I/O error or blocked task since the trial began")
	}
	return measured(trial.StateOfNote, strconv.Itoa(len(kept)), strings.Join(kept[max(0, len(kept)-lastLines):], "\n"))
}

// parseRecord reads "6,1234,5678901,-;the text", where the third number is
// microseconds since the boot.
func parseRecord(record string) (at time.Duration, text string, ok bool) {
	head, text, found := strings.Cut(record, ";")
	fields := strings.Split(head, ",")
	if !found || len(fields) < 3 {
		return 0, "", false
	}
	micros, err := strconv.ParseInt(fields[2], 10, 64)
	text, _, _ = strings.Cut(text, "\n")
	return time.Duration(micros) * time.Microsecond, text, err == nil
}

// telling matches the messages of the kernel that can explain a failure.
var telling = regexp.MustCompile(`oom-kill:|Out of memory|Killed process|I/O error|No space left|blocked for more than|segfault|general protection|` +
	`soft lockup|BTRFS (error|critical)|EXT4-fs error|remounting filesystem read-only`)
