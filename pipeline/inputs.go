package pipeline

import (
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/pipeline/testreport"
)

// inputs are what a trial reads before it starts, so that a fault in them is
// found before anything is created and costs no measured time.
type inputs struct {
	kind   *v1alpha4.Cluster
	images map[string]Image
	format testreport.Format
}

func (c Config) read() (in inputs, err error) {
	if c.Setup == nil {
		if in.kind, err = kindcluster.ReadConfig(c.KindConfig, c.KindPatches); err != nil {
			return in, err
		}
		if in.images, err = c.scheduled(); err != nil {
			return in, err
		}
	}
	if len(c.Test.Command) > 0 {
		if in.format, err = c.Test.format(); err != nil {
			return in, err
		}
	}
	if err = os.MkdirAll(c.WorkDir, 0o755); err != nil {
		return in, fmt.Errorf("making the trial's folder: %w", err)
	}
	return in, nil
}

// scheduled returns the images by name, and makes sure that the schedule
// knows each of them once and no other.
func (c Config) scheduled() (map[string]Image, error) {
	images, seen := map[string]Image{}, map[string]bool{}
	for _, image := range c.Images {
		images[image.Name] = image
	}
	for _, stage := range c.Schedule.Stages {
		for _, name := range stage.Images {
			if _, ok := images[name]; !ok || seen[name] {
				return nil, fmt.Errorf("the schedule of strategy %q names the image %q, which is not in the workload or named twice", c.Schedule.Strategy, name)
			}
			seen[name] = true
		}
	}
	if len(seen) != len(images) {
		return nil, fmt.Errorf("the schedule of strategy %q covers %d of the workload's %d images", c.Schedule.Strategy, len(seen), len(images))
	}
	if c.Schedule.Pull && c.Registry == "" {
		return nil, fmt.Errorf("strategy %q pulls, and no registry is given", c.Schedule.Strategy)
	}
	return images, nil
}

func (t Test) format() (testreport.Format, error) {
	format, err := testreport.ParseFormat(t.Format)
	if err != nil {
		return "", err
	}
	if t.Report == "" && !format.Streams() {
		return "", fmt.Errorf("test results in the format %s are read from a file; say which one the command writes", format)
	}
	return format, nil
}

// kind says which cluster the trial creates.
func (c Config) kind(config *v1alpha4.Cluster) kindcluster.Options {
	return kindcluster.Options{
		Name:       c.ClusterName,
		NodeImage:  c.NodeImage,
		Endpoint:   c.Endpoint,
		Config:     config,
		Kubeconfig: c.Kubeconfig(),
		NodeSubnet: c.NodeSubnet,
	}
}

// Kubeconfig is the file with which the trial's cluster is reached.
func (c Config) Kubeconfig() string { return filepath.Join(c.WorkDir, "kubeconfig") }
