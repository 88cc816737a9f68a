package kindcluster

import (
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/readable"
)

// Mirror is where nodes look first for the images of a registry.
type Mirror struct {
	URL  *url.URL
	File string
	At   issue.Position
}

// hostsFolder is where nodes usually have the files with the mirrors of registries.
const hostsFolder = "/etc/containerd/certs.d"

// Mirrors lists the mirrors in a Kind configuration, by its patches for containerd and by the
// files that nodes mount. What is not valid has no mirrors.
func Mirrors(config *v1alpha4.Cluster, file string) (mirrors []Mirror) {
	add := func(endpoint, file string, at issue.Position) {
		u, err := url.Parse(endpoint)
		if err != nil || u.Hostname() == "" || slices.ContainsFunc(mirrors, func(m Mirror) bool { return m.File == file && m.At == at && *m.URL == *u }) {
			return // the nodes of a cluster mount the same files
		}
		mirrors = append(mirrors, Mirror{u, file, at})
	}
	for i, patch := range config.ContainerdConfigPatches {
		tree, err := toml.Load(patch)
		if err != nil {
			continue
		}
		plugins, _ := tree.Get("plugins").(*toml.Tree)
		for _, plugin := range below(plugins) {
			registries, _ := plugin.GetPath([]string{"registry", "mirrors"}).(*toml.Tree)
			for _, mirror := range below(registries) {
				endpoints, _ := mirror.Get("endpoint").([]any)
				for _, endpoint := range endpoints {
					if text, is := endpoint.(string); is {
						add(text, file, Where(file, "containerdConfigPatches", strconv.Itoa(i)))
					}
				}
			}
		}
	}
	for _, node := range config.Nodes {
		for _, m := range node.ExtraMounts {
			// The folder of all registries is mounted, or that of one, or its file.
			inNode, is := strings.CutPrefix(m.ContainerPath, hostsFolder)
			if !is || inNode != "" && inNode[0] != '/' {
				continue
			}
			deeper := strings.Repeat("/*", max(0, 2-strings.Count(strings.TrimRight(inNode, "/"), "/")))
			files, _ := filepath.Glob(m.HostPath + deeper)
			for _, hosts := range files {
				text, err := readable.File(hosts)
				if err != nil || filepath.Base(hosts) != "hosts.toml" {
					continue
				}
				tree, err := toml.LoadBytes(text)
				if err != nil {
					continue
				}
				of, _ := tree.Get("host").(*toml.Tree)
				for endpoint, host := range below(of) {
					at := host.Position()
					add(endpoint, hosts, issue.Position{Line: at.Line, Column: at.Col})
				}
			}
		}
	}
	return mirrors
}

// below are the tables in a table, by their keys.
func below(table *toml.Tree) map[string]*toml.Tree {
	tables := map[string]*toml.Tree{}
	if table == nil {
		return tables
	}
	for _, key := range table.Keys() {
		if t, is := table.GetPath([]string{key}).(*toml.Tree); is {
			tables[key] = t
		}
	}
	return tables
}
