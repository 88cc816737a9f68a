package lab

import (
	"context"
	_ "embed"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

//go:embed node/iptables
var iptablesChooser []byte

// proxyPackages contain the programs that kube-proxy runs. They are unpacked without their
// maintainer scripts, because the image needs no package manager.
var proxyPackages = []string{"iptables", "conntrack", "kmod", "nftables", "busybox-static"}

// controlPlane makes an image for each reference.
func controlPlane(ctx context.Context, scratch, bin string, refs []string) (map[name.Reference]v1.Image, error) {
	root := debianRoot{suite: "bookworm", variant: "extract", packages: proxyPackages}
	base, err := root.layer(ctx, filepath.Join(scratch, "proxy.tar"))
	if err != nil {
		return nil, err
	}
	images := map[name.Reference]v1.Image{}
	for _, ref := range refs {
		tag, err := name.NewTag(ref)
		if err != nil {
			return nil, fmt.Errorf("naming a control-plane image: %w", err)
		}
		if images[tag], err = controlPlaneImage(scratch, bin, program(ref), base); err != nil {
			return nil, fmt.Errorf("making the image %s: %w", ref, err)
		}
	}
	return images, nil
}

// program returns the last part of a reference without its tag.
func program(ref string) string {
	program, _, _ := strings.Cut(path.Base(ref), ":")
	return program
}

func controlPlaneImage(scratch, bin, program string, proxyBase *layer) (v1.Image, error) {
	config := v1.Config{Env: []string{searchPath}, WorkingDir: "/"}
	place := "usr/local/bin/" + program
	if program == "pause" || program == "coredns" {
		// Their pods' specifications do not say what to run.
		place = program
		config.Entrypoint = []string{"/" + program}
	}
	t, err := newTree(filepath.Join(scratch, program+".tar"))
	if err != nil {
		return nil, err
	}
	t.copy(place, filepath.Join(bin, program), time.Time{})
	var layers []*layer
	if program == "kube-proxy" {
		layers = append(layers, proxyBase)
		// Every name that kube-proxy calls is a link to the chooser. In Debian, a maintainer
		// script makes these links.
		t.data("usr/sbin/iptables-chooser", 0o755, iptablesChooser)
		for _, family := range []string{"iptables", "ip6tables"} {
			for _, name := range []string{"", "-save", "-restore"} {
				t.link("usr/sbin/"+family+name, "iptables-chooser")
			}
		}
	}
	l, err := t.layer()
	if err != nil {
		return nil, err
	}
	return newImage(config, append(layers, l)...)
}
