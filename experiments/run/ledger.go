package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes"
)

// Everything that a trial makes on an engine has a name with the run's mark and
// the trial's ID. It cannot collide with anything of a user's, and can be found
// again.

// clusterName names a trial's cluster and its network. The names of nodes, which
// are longer, must be valid for hosts: at most 63 characters.
func clusterName(mark, trialID string) string { return "stratbench-" + mark + "-" + trialID }

const imagePrefix = "stratbench.local/trial/"

func imageName(mark, trialID, image string) string {
	return imagePrefix + mark + "-" + trialID + "/" + strings.ToLower(image) + ":latest"
}

// trialNames matches the names of clusters and images of trials.
var trialNames = regexp.MustCompile(`^(?:stratbench-|` + regexp.QuoteMeta(imagePrefix) + `)(\d{8}-\d{6}-[0-9a-f]{6})-([a-z]\d+)(?:[-/]|$)`)

// trialOf returns the mark and the trial's ID in a name. Both are empty for a name
// that no trial gave.
func trialOf(name string) (mark, id string) {
	if m := trialNames.FindStringSubmatch(name); m != nil {
		return m[1], m[2]
	}
	return "", ""
}

// debt is what a trial makes on an engine of a user's and must take away again,
// and what was there before it, which is the user's.
type debt struct {
	Runtime trial.Runtime `json:"runtime,omitempty"`
	// Engine is the engine's own ID. A debt is settled there and nowhere else. Engines of
	// several hosts may have the same: Address is that at which Host reaches this one.
	Engine  string `json:"engine,omitempty"`
	Address string `json:"address,omitempty"`
	Host    string `json:"host,omitempty"`
	Run     string `json:"run,omitempty"`
	Mark    string `json:"mark,omitempty"`
	Trial   string `json:"trial,omitempty"`
	// Cluster is the name of the Kind cluster and of its network. The clusters of a
	// set-up command have names that begin with it.
	Cluster string `json:"cluster,omitempty"`
	// Names are the names that the trial gives to images.
	Names []string `json:"names,omitempty"`
	// Builds are the IDs of the trial's builds.
	Builds []string `json:"builds,omitempty"`
	// Made are the IDs of images that the trial put into the store, or the first
	// characters of them.
	Made []runtimes.ImageID `json:"made,omitempty"`
	// Volumes are those of the nodes, which are removed with them, unless a user removes a
	// node without them.
	Volumes []string `json:"volumes,omitempty"`
	// HadImages, HadCache and HadContainers are the images, the records of the build cache
	// and the IDs of the containers that were there before the trial. If HadContainers is
	// nil, and not empty, the containers are not known: older versions did not write them
	// down.
	HadImages     []runtimes.ImageID `json:"had_images,omitempty"`
	HadCache      []string           `json:"had_cache,omitempty"`
	HadContainers []string           `json:"had_containers,omitzero"`
}

// ledger is a debt on disk, as lines of JSON that add up to it. What is made is
// written as soon as it is known, so that a killed run loses at most the last line.
type ledger struct {
	// adding guards debt and file: several goroutines add to them.
	adding sync.Mutex
	debt   debt
	file   *os.File
	// lock is held while the run of the trial lives.
	lock io.Closer
}

// ledgers is the folder of one engine's ledgers.
func ledgers(cache, engine string) string {
	return filepath.Join(cache, "borrowed", strings.ReplaceAll(engine, ":", "-"))
}

// openLedger writes down the first part of a debt before anything is made. The file
// has its name only once that part is safe on disk.
func openLedger(dir string, d debt) (l *ledger, err error) {
	defer runtimes.Doing(&err, "opening a file to write down what a trial leaves")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, d.Mark+"-"+d.Trial+"-*.jsonl"+unfinished)
	if err != nil {
		return nil, err
	}
	l = &ledger{file: f}
	lock, err := host.TryLock(f.Name())
	if err == nil {
		l.lock = lock
		err = l.add(d)
	}
	if err == nil {
		err = os.Rename(f.Name(), l.path())
	}
	if err != nil {
		return nil, errors.Join(err, l.close(), os.Remove(f.Name()))
	}
	return l, nil
}

// path is the ledger's file.
func (l *ledger) path() string { return strings.TrimSuffix(l.file.Name(), unfinished) }

// add writes down a part of the debt. The ledger of an isolated machine is nil,
// because nothing outlives the machine.
func (l *ledger) add(part debt) error {
	if l == nil {
		return nil
	}
	l.adding.Lock()
	defer l.adding.Unlock()
	text, err := json.Marshal(part)
	if err == nil {
		_, err = l.file.Write(append(text, '\n'))
	}
	if err == nil && len(part.Made)+len(part.Volumes) == 0 { // Made and Volumes come while the trial is measured
		err = l.file.Sync()
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
	d.Volumes = append(d.Volumes, part.Volumes...)
}

// close leaves the ledger to the next start. It may be called again.
func (l *ledger) close() error {
	err := l.file.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	if l.lock != nil {
		err = errors.Join(err, l.lock.Close())
	}
	return err
}

func (l *ledger) settled() error { return errors.Join(os.Remove(l.path()), l.close()) }

// owed are the ledgers of an engine.
type owed struct {
	// killed are those of killed runs, oldest first.
	killed []*ledger
	// live are the debts of runs that live.
	live []debt
	// damaged are the files that do not say which trial they are of. Only their names may.
	damaged []string
}

// ledgerNames matches the names that openLedger gives. An older version renamed those that
// it could not read.
var ledgerNames = regexp.MustCompile(`^(\d{8}-\d{6}-[0-9a-f]{6})-[a-z]\d+-\d+\.jsonl(?:\.damaged)?$`)

// markOfFile is the mark in the name of a ledger's file, or empty.
func markOfFile(path string) string {
	if m := ledgerNames.FindStringSubmatch(filepath.Base(path)); m != nil {
		return m[1]
	}
	return ""
}

// unfinished is the end of a ledger's name until its first part is on disk.
const unfinished = ".new"

// neverBegun lists the ledgers of trials that were killed before they had made anything,
// on whatever engine, and removes them if remove is true.
func neverBegun(cache string, remove bool) (files []string) {
	return ofKilled(filepath.Join(ledgers(cache, "*"), "*.jsonl"+unfinished), time.Minute, remove) // a younger one may be about to be locked
}

func readLedgers(dir string) (all owed, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl*"))
	for _, path := range files {
		if end := filepath.Ext(path); end != ".jsonl" && end != ".damaged" {
			continue
		}
		l, failed := readLedger(path)
		switch {
		case errors.Is(failed, fs.ErrNotExist): // its run has just settled it
		case failed != nil:
			err = errors.Join(err, fmt.Errorf("reading what a killed run left: %w", failed))
		case l.lock == nil:
			all.live = append(all.live, l.debt)
			l.close()
		case l.debt.Mark == "" || l.debt.Cluster == "":
			all.damaged = append(all.damaged, path)
			l.close()
		default:
			all.killed = append(all.killed, l)
		}
	}
	return all, err
}

// readLedger reads a ledger and locks it, unless its run lives.
func readLedger(path string) (*ledger, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	l := &ledger{file: f}
	lock, err := host.TryLock(path)
	switch {
	case err == nil:
		l.lock = lock
	case !errors.Is(err, host.ErrLocked):
		return nil, errors.Join(err, l.close())
	}
	if mine, err := f.Stat(); err == nil && l.lock != nil {
		if locked, err := os.Stat(path); err != nil || !os.SameFile(mine, locked) { // the lock has made a file of the name again
			return nil, errors.Join(fs.ErrNotExist, os.Remove(path), l.close())
		}
	}
	for lines := json.NewDecoder(f); ; {
		var part debt
		if lines.Decode(&part) != nil { // the end, or the last line of a killed run, which may be cut off
			return l, nil
		}
		l.debt.add(part)
	}
}

type settlement struct {
	// Found is false if nothing of the trial was on the engine.
	Found bool `json:"found"`
	// Left is what stays because it may be the user's.
	Left []string `json:"left"`
	// Owed is true if something of the trial's stays that can go later.
	Owed bool `json:"owed"`
	// New are the names of images that came since the trial began and that it did not
	// build: those that it pulled or the user made.
	New []string `json:"new"`
	// Unknown are the names of containers that were only disconnected from the trial's
	// network, because it is not known whether they were there before it.
	Unknown []string `json:"unknown"`
}

// settle takes away what a trial made on an engine. Everything that was there
// before stays, and so does an image that the user has given a name since. Nothing
// is removed by its ID, because an engine then removes its names as well.
func (d debt) settle(ctx context.Context, cfg pipeline.Config, engine runtimes.Engine) (s settlement, err error) {
	before, err := engine.Contents(ctx)
	if err != nil {
		return s, err
	}
	s.Found = d.in(before)
	var stays error
	for now, looks := before, 1; ; looks++ { // until the network is gone, anything may join it
		if _, others := d.guests(now); d.HadContainers == nil {
			for _, o := range others {
				s.Unknown = append(s.Unknown, o.Name)
			}
		}
		stays = errors.Join(d.removeClusters(ctx, cfg, engine, now), engine.RemoveNetwork(ctx, d.Cluster))
		if stays == nil || looks == 3 {
			break
		}
		if now, err = engine.Contents(ctx); err != nil {
			break
		}
	}
	errs := []error{stays}
	held := slices.DeleteFunc(d.namesOn(before), func(name string) bool { return d.removeName(ctx, engine, name) == nil })
	records, err := engine.Forget(ctx, d.Builds, d.HadCache)
	if len(records) > 0 {
		s.Left = append(s.Left, fmt.Sprintf("%d records of the build cache, or containers of builds: builds other than those of %s ran at the same time, or use them, or the engine was stopped before it recorded who made them", len(records), d.Trial))
	}
	for _, name := range held { // by an interrupted build, until its records are gone
		if used := d.removeName(ctx, engine, name); runtimes.IsInUse(used) {
			s.Left, s.Owed = append(s.Left, fmt.Sprintf("the image %s of trial %s, which a container or an image of yours uses (%v): remove that with %s rm or rmi; the next run, or stratbench clean, then removes this one",
				name, d.Trial, used, d.Runtime)), true
		} else {
			errs = append(errs, used)
		}
	}
	for _, name := range d.Volumes {
		if err := engine.Release(ctx, name); err != nil {
			s.Left = append(s.Left, fmt.Sprintf("the volume %s of a node of trial %s: %v", name, d.Trial, err))
		}
	}
	errs = append(errs, d.removeSteps(ctx, engine))
	after, lost := engine.Contents(ctx)
	for name, nodes := range clustersIn(after) {
		mark, _ := trialOf(name)
		if len(d.Names) == 0 && mark == "" && !slices.ContainsFunc(nodes, d.had) {
			s.Left = append(s.Left, fmt.Sprintf("the Kind cluster %s, which came since %s began: if its set-up command makes it, have it use the name in KIND_CLUSTER_NAME and the network in KIND_EXPERIMENTAL_%s_NETWORK, or delete it under setup.cleanup",
				name, d.Trial, strings.ToUpper(string(d.Runtime))))
		}
	}
	nameless := 0
	for _, i := range after.Images {
		if !slices.Contains(d.HadImages, i.ID) {
			s.New = append(s.New, i.Names...)
			if len(i.Names) == 0 {
				nameless++
			}
		}
	}
	if nameless > 0 {
		s.Left = append(s.Left, fmt.Sprintf("images without a name that came since %s began: %d; interrupted builds leave such images, and so do builds of yours; %s image prune removes all that nothing uses", d.Trial, nameless, d.Runtime))
	}
	if folders := d.buildFolders(podmanTemp); len(folders) > 0 {
		s.Left = append(s.Left, fmt.Sprintf("folders of Podman's builds that came since the run began: %s; a Podman that is killed in a build leaves them, with the secrets of that build, and a build of yours may use one now; remove those that no build uses",
			strings.Join(folders, ", ")))
	}
	return s, errors.Join(append(errs, err, lost)...)
}

// podmanTemp is where Podman's service keeps the contexts of builds by default.
const podmanTemp = "/var/tmp"

// buildFolders are the folders in temp that builds of a Podman on this host have made since
// the run began, and not removed.
func (d debt) buildFolders(temp string) (folders []string) {
	began, err := time.Parse("20060102-150405", runTime.FindString(d.Mark))
	if err != nil || d.Runtime != trial.Podman || !strings.HasPrefix(d.Address, "unix://") {
		return nil
	}
	found, _ := filepath.Glob(filepath.Join(temp, "libpod_builder*"))
	for _, folder := range found {
		if info, err := os.Stat(folder); err == nil && info.ModTime().After(began) {
			folders = append(folders, folder)
		}
	}
	return folders
}

// in reports whether anything of the debt is among the contents.
func (d debt) in(c runtimes.Contents) bool {
	if lockOf(c).Mark == d.Mark || slices.ContainsFunc(c.Networks, func(o runtimes.Object) bool { return o.Name == d.Cluster }) || len(d.clusters(c)) > 0 {
		return true
	}
	return slices.ContainsFunc(c.Images, func(i runtimes.Image) bool {
		return d.made(i) || slices.ContainsFunc(i.Names, func(n string) bool { return slices.Contains(d.Names, n) })
	})
}

// clusterLabel is what Kind gives the containers of a cluster.
const clusterLabel = "io.x-k8s.kind.cluster"

// clustersIn returns the Kind clusters on an engine, with their nodes.
func clustersIn(c runtimes.Contents) map[string][]runtimes.Object {
	clusters := map[string][]runtimes.Object{}
	for _, o := range c.Containers {
		if name := o.Labels[clusterLabel]; name != "" {
			clusters[name] = append(clusters[name], o)
		}
	}
	return clusters
}

// clusters lists the trial's: their name is the trial's or begins with it, or they
// came and are in the trial's network, into which Kind puts every cluster that a set-up
// command makes.
func (d debt) clusters(c runtimes.Contents) (names []string) {
	for name, nodes := range clustersIn(c) {
		named := name == d.Cluster || strings.HasPrefix(name, d.Cluster+"-")
		if named || slices.ContainsFunc(nodes, d.connected) && !slices.ContainsFunc(nodes, d.had) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// had reports whether a container was there before the trial, or may have been.
func (d debt) had(o runtimes.Object) bool {
	return d.HadContainers == nil || slices.Contains(d.HadContainers, o.ID)
}

// connected reports whether a container came to the engine during the trial, and is
// in the trial's network.
func (d debt) connected(o runtimes.Object) bool {
	return d.Cluster != "" && slices.Contains(o.Networks, d.Cluster) && !d.had(o)
}

// guests are the containers in the trial's network that are in none of its clusters: its
// own, and those of others, which were there before or may have been.
func (d debt) guests(c runtimes.Contents) (own, others []runtimes.Object) {
	clusters := d.clusters(c)
	for _, o := range c.Containers {
		switch {
		case !slices.Contains(o.Networks, d.Cluster) || slices.Contains(clusters, o.Labels[clusterLabel]):
		case d.connected(o):
			own = append(own, o)
		default:
			others = append(others, o)
		}
	}
	return own, others
}

// removeClusters removes the trial's clusters and its other containers. Containers of
// others only lose their connection to its network.
func (d debt) removeClusters(ctx context.Context, cfg pipeline.Config, engine runtimes.Engine, c runtimes.Contents) error {
	own, others := d.guests(c)
	errs := []error{}
	for _, o := range others {
		errs = append(errs, engine.Disconnect(ctx, d.Cluster, o.ID))
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(append(d.clusters(c), d.Cluster)))) {
		cfg.ClusterName = name
		errs = append(errs, pipeline.Delete(ctx, cfg))
	}
	for _, o := range own {
		errs = append(errs, removeContainer(ctx, cfg.Endpoint, o.ID))
	}
	return errors.Join(errs...)
}

// removeContainer removes a container with its volumes, at once.
func removeContainer(ctx context.Context, at runtimes.Endpoint, id string) error {
	path := "/containers/" + url.PathEscape(id)
	if at.Runtime == trial.Podman {
		// Podman would first ask the container to stop, and wait for ten seconds. The kill
		// fails if the container does not run, which does not matter. Docker kills it itself,
		// and would refuse to remove one that now goes by itself, because of --rm.
		_, _ = at.Ask(ctx, http.MethodPost, path+"/kill")
	}
	_, err := at.Ask(ctx, http.MethodDelete, path+"?force=true&v=true")
	if runtimes.IsNotFound(err) {
		return nil
	}
	return err
}

// namesOn lists the names that the trial gives to images: those that are written down,
// and, should that part of the ledger be lost, those on the engine that are a trial's.
func (d debt) namesOn(c runtimes.Contents) []string {
	names := slices.Clone(d.Names)
	for _, i := range c.Images {
		for _, name := range i.Names {
			if mark, id := trialOf(name); mark != "" && mark == d.Mark && id == d.Trial && !slices.Contains(names, name) && !strings.Contains(name, "@") {
				names = append(names, name)
			}
		}
	}
	return names
}

// removeName removes a name that the trial gave, and the image with it if it has
// no other name and was not there before the trial.
func (d debt) removeName(ctx context.Context, engine runtimes.Engine, name string) error {
	id, err := engine.Image(ctx, name)
	if err == nil {
		if slices.Contains(d.HadImages, id) {
			err = engine.Untag(ctx, name)
		} else {
			err = engine.Remove(ctx, name)
		}
	}
	if runtimes.IsNotFound(err) {
		return nil
	}
	return err
}

// made reports whether a step of the trial's builds left the image.
func (d debt) made(i runtimes.Image) bool {
	return len(i.Names) == 0 && !slices.Contains(d.HadImages, i.ID) && slices.ContainsFunc(d.Made, func(made runtimes.ImageID) bool {
		return strings.HasPrefix(strings.TrimPrefix(string(i.ID), "sha256:"), strings.TrimPrefix(string(made), "sha256:"))
	})
}

// removeSteps removes the nameless images that steps of the trial's builds left.
// Each is removed by a name that it gets for that, so that it stays if the user
// names it at the same moment. An image goes after those made from it.
func (d debt) removeSteps(ctx context.Context, engine runtimes.Engine) error {
	name := imageName(d.Mark, d.Trial, "step")
	for had := -1; ; {
		contents, err := engine.Contents(ctx)
		if err != nil {
			return err
		}
		steps := slices.DeleteFunc(contents.Images, func(i runtimes.Image) bool { return !d.made(i) })
		if len(steps) == 0 || len(steps) == had {
			return nil // none, or those from which the user has made something
		}
		had = len(steps)
		for _, i := range steps {
			err := engine.Tag(ctx, string(i.ID), name)
			if err == nil {
				err = engine.Remove(ctx, name)
			}
			if err != nil && !runtimes.IsNotFound(err) {
				if err := engine.Untag(ctx, name); err != nil && !runtimes.IsNotFound(err) {
					return err
				}
			}
		}
	}
}
