//go:build e2e

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/stratbench/stratbench/experiments/workload/internal/kube"
)

// kubeconfig is the part of a kubeconfig file that kind writes.
type kubeconfig struct {
	CurrentContext string `yaml:"current-context"`
	Contexts       []struct {
		Name    string `yaml:"name"`
		Context struct {
			Cluster string `yaml:"cluster"`
			User    string `yaml:"user"`
		} `yaml:"context"`
	} `yaml:"contexts"`
	Clusters []struct {
		Name    string  `yaml:"name"`
		Cluster cluster `yaml:"cluster"`
	} `yaml:"clusters"`
	Users []struct {
		Name string `yaml:"name"`
		User user   `yaml:"user"`
	} `yaml:"users"`
}

type cluster struct {
	Server    string `yaml:"server"`
	Authority string `yaml:"certificate-authority-data"`
}

type user struct {
	Certificate string `yaml:"client-certificate-data"`
	Key         string `yaml:"client-key-data"`
}

// connect returns a client of the current context's cluster.
func connect(path string) (*kube.Client, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig: %w", err)
	}
	var config kubeconfig
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("read kubeconfig %s: %w", path, err)
	}
	cluster, user, err := config.current()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", path, err)
	}
	identity, err := identify(cluster, user)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", path, err)
	}
	transport := &http.Transport{TLSClientConfig: identity, ForceAttemptHTTP2: true}
	return kube.New(cluster.Server, &http.Client{Transport: transport, Timeout: callTime}, nil), nil
}

func (k kubeconfig) current() (cluster, user, error) {
	for _, context := range k.Contexts {
		if context.Name != k.CurrentContext {
			continue
		}
		for _, c := range k.Clusters {
			for _, u := range k.Users {
				if c.Name == context.Context.Cluster && u.Name == context.Context.User {
					return c.Cluster, u.User, nil
				}
			}
		}
	}
	return cluster{}, user{}, fmt.Errorf("current context %q has no cluster or no user", k.CurrentContext)
}

func identify(c cluster, u user) (*tls.Config, error) {
	authority, errAuthority := base64.StdEncoding.DecodeString(c.Authority)
	certificate, errCertificate := base64.StdEncoding.DecodeString(u.Certificate)
	key, errKey := base64.StdEncoding.DecodeString(u.Key)
	if err := errors.Join(errAuthority, errCertificate, errKey); err != nil {
		return nil, fmt.Errorf("decode certificates: %w", err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("client certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, errors.New("certificate authority holds no certificate")
	}
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

func kubeconfigPath() (string, error) {
	if path := os.Getenv("KUBECONFIG"); path != "" {
		return path, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".kube", "config"), err
}
