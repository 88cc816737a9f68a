package run

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"regexp"
	"strconv"
	"time"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/connect"
)

// holder is a process that uses an engine of a user's, as its labels there
// describe it.
type holder struct {
	// Mark distinguishes its things on the engine from all others.
	Mark string
	Run  string
	User string
	Host string
	// Machine and Boot identify the host and its present boot; Namespace is the one
	// in which PID counts. Process is when the process began, because process
	// numbers are used again. Each is empty if the system does not report it.
	Machine, Boot, Namespace string
	PID                      int
	Process                  string
	Since                    time.Time
}

// runTime matches the time at the beginning of a run's name.
var runTime = regexp.MustCompile(`^\d{8}-\d{6}`)

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

// onHost names the holder's host.
func (h holder) onHost() string { return h.Host + " " + h.Machine }

func firstLine(path string) string {
	text, _ := os.ReadFile(path)
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return string(line)
}

func (h holder) String() string {
	return fmt.Sprintf("%s@%s, process %d, since %s, run %s", cmp.Or(h.User, "?"), cmp.Or(h.Host, "?"), h.PID,
		h.Since.Local().Format("2006-01-02 15:04:05"), cmp.Or(h.Run, "?"))
}

// dead reports whether the holder was a process of my host and has ended. A holder
// elsewhere is never known to be dead.
func (h holder) dead(me holder) bool {
	if h.Host != me.Host || h.Machine != me.Machine {
		return false
	}
	if h.Boot != me.Boot {
		// Another host may have the same name if there is no machine's ID, and the same ID
		// if it is a copy. What began after this host was started is not of an earlier boot.
		return h.Machine != "" && h.Since.Before(host.Booted())
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

// inUse is an error's text: who uses an engine, and what to do about it.
func (h holder) inUse(of trial.Runtime) string {
	return fmt.Sprintf("another run uses this %[1]s engine: %[2]s; wait for it to end. If it was killed there: stratbench clean on that host, or %[1]s volume rm %[3]s",
		of, h, lockVolume)
}

const labelPrefix = "io.stratbench."

// texts are the holder's texts by their labels.
func (h *holder) texts() map[string]*string {
	return map[string]*string{
		labelPrefix + "mark": &h.Mark, labelPrefix + "run": &h.Run, labelPrefix + "user": &h.User, labelPrefix + "host": &h.Host,
		labelPrefix + "machine": &h.Machine, labelPrefix + "boot": &h.Boot, labelPrefix + "pidns": &h.Namespace, labelPrefix + "process": &h.Process,
	}
}

func (h holder) labels() map[string]string {
	labels := map[string]string{labelPrefix + "pid": strconv.Itoa(h.PID), labelPrefix + "since": h.Since.Format(time.RFC3339)}
	for name, text := range h.texts() {
		labels[name] = *text
	}
	return labels
}

// holderOf reads the labels. Labels that no holder wrote give an unknown holder,
// which is not dead.
func holderOf(labels map[string]string) (h holder) {
	for name, text := range h.texts() {
		*text = labels[name]
	}
	h.PID, _ = strconv.Atoi(labels[labelPrefix+"pid"])
	h.Since, _ = time.Parse(time.RFC3339, labels[labelPrefix+"since"])
	return h
}

// lockVolume is the volume by which one run at a time uses an engine of a user's.
// All users of the engine see it, and its labels name the holder.
const lockVolume = "stratbench-lock"

// lock takes the engine for this run. If it takes the engine over from a run that was
// killed on this host, p.dead is then that run's holder, else nil.
func (p *borrowedPlace) lock(ctx context.Context, at runtimes.Endpoint) error {
	engine, err := connect.Engine(ctx, at)
	if err != nil {
		return err
	}
	defer engine.Close()
	// Only processes of a dead holder's host remove its lock, and only one of them
	// at a time, whoever started it. A file of our own would have to be removed, and could
	// then be locked twice. The dot keeps the folder from being made as a file.
	hostLock, err := host.Lock(ctx, os.TempDir()+"/.")
	if err != nil {
		return fmt.Errorf("keeping other runs of this host out: %w", err)
	}
	defer hostLock.Close()
	var by holder
	var dead *holder
	p.dead = nil
	for range 2 {
		labels, err := engine.Claim(ctx, lockVolume, p.me.labels())
		if err != nil {
			return fmt.Errorf("taking the %s engine for this run: %w", p.engine.Runtime, err)
		}
		if by = holderOf(labels); by.Mark == p.me.Mark {
			if dead != nil {
				p.report.note("a killed run (%s) held the %s engine; this run holds it now", dead, p.engine.Runtime)
			}
			p.held, p.dead = true, dead
			return nil
		}
		if !by.dead(p.me) {
			break
		}
		if err := engine.Release(ctx, lockVolume); err != nil {
			return fmt.Errorf("taking the %s engine over from a killed run: %w", p.engine.Runtime, err)
		}
		dead = new(by)
	}
	if by.Mark == "" {
		return fmt.Errorf("%s has a volume %s that no run of stratbench made; rename or remove it", p.engine.Runtime, lockVolume)
	}
	return errors.New(by.inUse(p.engine.Runtime))
}

// unlock gives the engine back, unless another run has the lock by now.
func (p *borrowedPlace) unlock(ctx context.Context, at runtimes.Endpoint) error {
	if !p.held {
		return nil
	}
	p.held = false
	by, err := heldBy(ctx, at)
	if err == nil && by.Mark == p.me.Mark {
		var engine runtimes.Engine
		if engine, err = connect.Engine(ctx, at); err == nil {
			defer engine.Close()
			err = engine.Release(ctx, lockVolume)
		}
	}
	if err != nil {
		return fmt.Errorf("giving the %s engine back: %w", p.engine.Runtime, err)
	}
	return nil
}

// heldBy asks an engine for its holder, which has no mark if there is none.
func heldBy(ctx context.Context, at runtimes.Endpoint) (holder, error) {
	text, err := at.Ask(ctx, http.MethodGet, "/volumes?filters="+url.QueryEscape(`{"name":["`+lockVolume+`"]}`))
	var c runtimes.Contents
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	return lockOf(c), err
}

// lockOf is the holder of an engine, or a holder without a mark.
func lockOf(c runtimes.Contents) holder {
	for _, v := range c.Volumes {
		if v.Name == lockVolume {
			return holderOf(v.Labels)
		}
	}
	return holder{}
}
