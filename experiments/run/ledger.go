package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// debt is what a trial makes on an engine of a user's, and must take away
// again, with what was there before it and is the user's.
type debt struct {
	Runtime trial.Runtime `json:"runtime,omitempty"`
	// Engine is the engine's own ID. A debt is settled there and nowhere else.
	Engine  string `json:"engine,omitempty"`
	Address string `json:"address,omitempty"`
	Run     string `json:"run,omitempty"`
	Mark    string `json:"mark,omitempty"`
	Trial   string `json:"trial,omitempty"`
	// Cluster is the name of the Kind cluster and of its network. With a set-up of
	// the user's own, it begins the names of the clusters that are made.
	Cluster string `json:"cluster,omitempty"`
	// Names are those that the trial gives to images. They carry its mark.
	Names []string `json:"names,omitempty"`
	// Builds are the IDs of the trial's builds.
	Builds []string `json:"builds,omitempty"`
	// Made are images that the trial put into the store: IDs, or beginnings.
	Made []runtimes.ImageID `json:"made,omitempty"`
	// HadImages, HadCache and HadClusters are the images, the records of the build
	// cache and the Kind clusters that were there before the trial.
	HadImages   []runtimes.ImageID `json:"had_images,omitempty"`
	HadCache    []string           `json:"had_cache,omitempty"`
	HadClusters []string           `json:"had_clusters,omitempty"`
}

// ledger is a debt on disk: lines of JSON that add up to it. What is made is
// written as soon as it is known, so that a killed run loses no line but the
// last.
type ledger struct {
	debt debt
	file *os.File
}

// ledgers is the folder of the debts of one engine.
func ledgers(cache, engine string) string {
	return filepath.Join(cache, "borrowed", strings.ReplaceAll(engine, ":", "-"))
}

func openLedger(dir string, d debt) (*ledger, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making a folder to write down what a trial leaves: %w", err)
	}
	f, err := os.CreateTemp(dir, d.Mark+"-"+d.Trial+"-*.jsonl")
	if err != nil {
		return nil, fmt.Errorf("opening a file to write down what a trial leaves: %w", err)
	}
	l := &ledger{file: f}
	return l, l.add(d)
}

// add writes down a part of the debt. On a machine of stratbench's own there is
// no ledger, because nothing outlives the machine.
func (l *ledger) add(part debt) error {
	if l == nil {
		return nil
	}
	text, err := json.Marshal(part)
	if err == nil {
		_, err = l.file.Write(append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("writing down what the trial leaves on the engine: %w", err)
	}
	l.debt.add(part)
	return nil
}

func (d *debt) add(part debt) {
	if d.Mark == "" {
		*d = part
		return
	}
	d.Names, d.Builds, d.Made = append(d.Names, part.Names...), append(d.Builds, part.Builds...), append(d.Made, part.Made...)
}

// settled removes the ledger: nothing is owed any more.
func (l *ledger) settled() error {
	return errors.Join(l.file.Close(), os.Remove(l.file.Name()))
}

// readLedgers reads the debts of one engine, in the order of their making.
func readLedgers(dir string) (all []*ledger, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		l, err := readLedger(path)
		if err != nil {
			return all, fmt.Errorf("reading what a killed run left: %s: %w", path, err)
		}
		all = append(all, l)
	}
	return all, nil
}

func readLedger(path string) (*ledger, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	l := &ledger{file: f}
	for lines := json.NewDecoder(f); ; {
		var part debt
		switch err := lines.Decode(&part); {
		case err == nil:
			l.debt.add(part)
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF): // the last line of a killed run
			return l, nil
		default:
			return nil, errors.Join(err, f.Close())
		}
	}
}
