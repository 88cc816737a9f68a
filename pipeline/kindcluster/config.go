package kindcluster

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/readable"
)

const (
	apiVersion = "kind.x-k8s.io/v1alpha4"
	kind       = "Cluster"
)

// NoFsync is a patch with which the cluster's store does not wait for the disk.
const NoFsync = `kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
kubeadmConfigPatches:
- |
  kind: ClusterConfiguration
  etcd: {local: {extraArgs: {unsafe-no-fsync: "true"}}}
`

// WithAPIServerPort is a patch with which the API server is published at this port of the
// engine's host.
func WithAPIServerPort(port int32) string {
	return fmt.Sprintf("kind: %s\napiVersion: %s\nnetworking: {apiServerPort: %d}\n", kind, apiVersion, port)
}

// ReadConfig reads a Kind configuration as kind does, and applies the patches in order.
// Without a file ("") it is Kind's default cluster. Relative host paths of mounts count
// from the file's folder or, if nothing is there, from the nearest folder above it in the
// repository.
//
// The error of a file is an *issue.List. If the types in the file are right, its
// configuration is returned beside the error. A patch is a Kind configuration itself, of
// which four settings are taken: featureGates and networking.apiServerPort, whose values
// win, and kubeadmConfigPatches and containerdConfigPatches, which are applied after those
// of the file.
func ReadConfig(file string, patches []string) (*v1alpha4.Cluster, error) {
	config, issues, whole := &v1alpha4.Cluster{}, &issue.List{}, true
	if file != "" {
		text, err := readable.File(file)
		if err != nil {
			return nil, &issue.List{List: []issue.Issue{{File: file, Message: fmt.Sprintf("reading the Kind configuration: %v; make it readable", err)}}}
		}
		if config, err = parse(text); err != nil {
			issues = syntaxIssues(file, text, err)
			if config == nil || isTemplate(text) {
				return nil, issues
			}
		}
		whole = err == nil
		for _, node := range config.Nodes {
			for i, m := range node.ExtraMounts {
				if m.HostPath != "" && !filepath.IsAbs(m.HostPath) {
					node.ExtraMounts[i].HostPath = resolved(m.HostPath, filepath.Dir(file))
				}
			}
		}
	}
	v1alpha4.SetDefaultsCluster(config)
	issues.List = append(issues.List, validate(config, file)...)
	if err := issues.Err(); err != nil {
		if !whole {
			config = nil
		}
		return config, err
	}
	for i, text := range patches {
		patch, err := parse([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("reading Kind patch %d: %w", i+1, err)
		}
		if config.FeatureGates == nil {
			config.FeatureGates = map[string]bool{}
		}
		maps.Copy(config.FeatureGates, patch.FeatureGates)
		config.Networking.APIServerPort = cmp.Or(patch.Networking.APIServerPort, config.Networking.APIServerPort)
		config.KubeadmConfigPatches = append(config.KubeadmConfigPatches, patch.KubeadmConfigPatches...)
		config.ContainerdConfigPatches = append(config.ContainerdConfigPatches, patch.ContainerdConfigPatches...)
	}
	return config, nil
}

// parse parses a Kind configuration. With an error of types, all else of it is returned.
func parse(text []byte) (*v1alpha4.Cluster, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	config := &v1alpha4.Cluster{}
	err := decoder.Decode(config)
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("it is empty; write kind: %s and apiVersion: %s, or leave kindConfig out for Kind's default", kind, apiVersion)
	}
	var wrong *yaml.TypeError
	if err != nil && !errors.As(err, &wrong) {
		return nil, err
	}
	// The cause of a type error may be another version.
	var head struct {
		Kind       string
		APIVersion string `yaml:"apiVersion"`
	}
	if yaml.Unmarshal(text, &head) == nil && (head.APIVersion != apiVersion || head.Kind != kind) {
		return nil, &versionError{head.Kind, head.APIVersion}
	}
	return config, err
}

// versionError reports a file that is no Kind configuration of the known version.
type versionError struct{ kind, apiVersion string }

func (e *versionError) Error() string {
	return fmt.Sprintf("it has kind %q and apiVersion %q, and only kind %s, apiVersion %s is known; write that, and see Kind's documentation for what has changed",
		e.kind, e.apiVersion, kind, apiVersion)
}

// syntaxIssues are the places where a file is no Kind configuration, and why.
func syntaxIssues(file string, text []byte, err error) *issue.List {
	issues := &issue.List{}
	var wrong *yaml.TypeError
	var version *versionError
	switch {
	case isTemplate(text):
		line := 1 + bytes.Count(text[:bytes.Index(text, []byte("{{"))], []byte("\n"))
		issues.Add(file, issue.Position{Line: line, Column: 1}, "this is a template and no Kind configuration; render it beforehand and name the result")
	case errors.As(err, &version):
		issues.Add(file, issue.Find(text, "apiVersion"), "reading the Kind configuration: %v", err)
	case errors.As(err, &wrong):
		for _, one := range wrong.Errors {
			at, message := issue.YAMLError(one)
			issues.Add(file, at, "reading the Kind configuration: %s; correct it by Kind's documentation", message)
		}
	default:
		at, message := issue.YAMLError(err.Error())
		if value := quoted.FindString(message); at.Line == 1 && value != "" { // the error has no line
			if before, _, found := bytes.Cut(text, []byte(strings.Trim(value, `"`))); found {
				at = issue.Position{Line: 1 + bytes.Count(before, []byte("\n")), Column: len(before) - bytes.LastIndexByte(before, '\n')}
			}
		}
		issues.Add(file, at, "reading the Kind configuration: %s; correct it as Kind's documentation has it", message)
	}
	return issues
}

func isTemplate(text []byte) bool { return bytes.Contains(text, []byte("{{")) }

var quoted = regexp.MustCompile(`"[^"]+"`)

// resolved is a host path as seen from dir or, if nothing is there, from the nearest
// folder above it in the repository: Kind takes it from the folder where it is called.
// Without a repository it counts from dir, as all paths of a workload count from theirs.
func resolved(path, dir string) string {
	own, found := filepath.Join(dir, path), ""
	for above := dir; above != filepath.Dir(above); above = filepath.Dir(above) {
		if here := filepath.Join(above, path); found == "" && exists(here) {
			found = here
		}
		if exists(filepath.Join(above, ".git")) {
			return cmp.Or(found, own)
		}
	}
	return own
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// OnLoopback returns the address of the loopback interface at which something answers that
// is published at an address and port of the same host. It is empty if none does.
func OnLoopback(address string, port int32) string {
	ip := net.ParseIP(cmp.Or(address, "0.0.0.0"))
	switch {
	case ip.Equal(net.IPv4zero):
		ip = net.IPv4(127, 0, 0, 1)
	case ip.Equal(net.IPv6zero):
		ip = net.IPv6loopback
	case !ip.IsLoopback():
		return ""
	}
	return net.JoinHostPort(ip.String(), strconv.Itoa(int(port)))
}

// Tunnelled lists the addresses that a tunnel to the engine's host must carry, so that
// clients here find what the cluster publishes on that host's loopback interface. Ports
// that the configuration leaves open, and those of other protocols than TCP, are not in
// it.
func Tunnelled(config *v1alpha4.Cluster) (addresses []string) {
	add := func(address string, port int32) {
		if at := OnLoopback(address, port); at != "" && port > 0 {
			addresses = append(addresses, at)
		}
	}
	add(config.Networking.APIServerAddress, config.Networking.APIServerPort)
	for _, node := range config.Nodes {
		for _, m := range node.ExtraPortMappings {
			if cmp.Or(m.Protocol, v1alpha4.PortMappingProtocolTCP) == v1alpha4.PortMappingProtocolTCP {
				add(m.ListenAddress, m.HostPort)
			}
		}
	}
	return addresses
}
