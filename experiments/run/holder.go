package run

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/user"
	"regexp"
	"strconv"
	"time"

	"github.com/stratbench/stratbench/internal/host"
)

// holder is a process that uses an engine of a user's, as it signs there.
type holder struct {
	// Mark tells its things on the engine from all others.
	Mark string
	Run  string
	User string
	Host string
	// Machine and Boot tell this very host, and its life since it was started,
	// from others; Namespace is where PID counts. Process is when the process
	// began, because numbers of processes are used again. All are empty where
	// the system does not tell.
	Machine, Boot, Namespace string
	PID                      int
	Process                  string
	Since                    time.Time
}

// runTime is the time with which the name of a run begins.
var runTime = regexp.MustCompile(`^\d{8}-\d{6}`)

// newHolder describes this process as the holder of a run.
func newHolder(runID string) holder {
	h := holder{Run: runID, PID: os.Getpid(), Since: time.Now().UTC().Truncate(time.Second)}
	var random [3]byte
	rand.Read(random[:]) // never fails
	h.Mark = cmp.Or(runTime.FindString(runID), RunID(h.Since, "")[:15]) + "-" + hex.EncodeToString(random[:])
	h.Host, _ = os.Hostname()
	if u, err := user.Current(); err == nil {
		h.User = u.Username
	}
	h.Machine, h.Boot = firstLine("/etc/machine-id"), firstLine("/proc/sys/kernel/random/boot_id")
	h.Namespace, _ = os.Readlink("/proc/self/ns/pid")
	h.Process, _ = host.Began(h.PID)
	return h
}

func firstLine(path string) string {
	text, _ := os.ReadFile(path)
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return string(line)
}

// String names the holder to a user.
func (h holder) String() string {
	return fmt.Sprintf("%s@%s, process %d, since %s, run %s", cmp.Or(h.User, "?"), cmp.Or(h.Host, "?"), h.PID,
		h.Since.Local().Format("2006-01-02 15:04:05"), cmp.Or(h.Run, "?"))
}

// dead is true when the holder was a process of this very host, seen from me,
// and is no more. Of one that is elsewhere nobody can say.
func (h holder) dead(me holder) bool {
	if h.Host != me.Host || h.Machine != me.Machine {
		return false
	}
	if h.Boot != me.Boot {
		return true
	}
	if h.Namespace != me.Namespace {
		return false
	}
	if h.PID > 0 && !host.Alive(h.PID) {
		return true
	}
	began, err := host.Began(h.PID)
	return err == nil && h.Process != "" && began != h.Process
}

// The labels in which a holder signs.
const labelPrefix = "io.stratbench."

func (h holder) labels() map[string]string {
	return map[string]string{
		labelPrefix + "mark": h.Mark, labelPrefix + "run": h.Run, labelPrefix + "user": h.User, labelPrefix + "host": h.Host,
		labelPrefix + "machine": h.Machine, labelPrefix + "boot": h.Boot, labelPrefix + "pidns": h.Namespace,
		labelPrefix + "pid": strconv.Itoa(h.PID), labelPrefix + "process": h.Process, labelPrefix + "since": h.Since.Format(time.RFC3339),
	}
}

// holderOf reads the labels. Those of something else give a holder that is
// not known, and not dead.
func holderOf(labels map[string]string) holder {
	h := holder{
		Mark: labels[labelPrefix+"mark"], Run: labels[labelPrefix+"run"], User: labels[labelPrefix+"user"], Host: labels[labelPrefix+"host"],
		Machine: labels[labelPrefix+"machine"], Boot: labels[labelPrefix+"boot"], Namespace: labels[labelPrefix+"pidns"], Process: labels[labelPrefix+"process"],
	}
	h.PID, _ = strconv.Atoi(labels[labelPrefix+"pid"])
	h.Since, _ = time.Parse(time.RFC3339, labels[labelPrefix+"since"])
	return h
}
