package run

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.podman.io/common/pkg/config"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/connect"
)

// hostProxies are the variables by which programs on this host find proxies.
func hostProxies() map[string]string {
	found := map[string]string{}
	for _, name := range append([]string{"all_proxy", "ALL_PROXY"}, config.ProxyEnv...) {
		if value := os.Getenv(name); value != "" {
			found[name] = value
		}
	}
	return found
}

// authoritiesSecret is the id under which every build can mount the file of the
// authorities that this host trusts, which may include a proxy's:
// RUN --mount=type=secret,id=ca-certificates,target=….
const authoritiesSecret = "ca-certificates"

// hostAuthorities is the file of the authorities that this host trusts, where TLS
// libraries look for it; empty if there is none.
func hostAuthorities() string {
	for _, path := range []string{
		os.Getenv("SSL_CERT_FILE"), "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
	} {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// argsFromEnvironment are the build arguments that the settings take from the
// environment.
func argsFromEnvironment(s spec.Settings) map[string]string {
	found := map[string]string{}
	for _, name := range s.Build.ArgsFromEnvironment {
		if value, ok := os.LookupEnv(name); ok {
			found[name] = value
		}
	}
	return found
}

// secrets are texts that builds get and that no record and no log may show: a
// Dockerfile that prints its environment prints the proxy's password.
type secrets []string

// hidden replaces a secret.
const hidden = "(hidden)"

// shortest is how long a value must be to count as a secret: with every "1" or
// "true" hidden, the log could not be read.
const shortest = 6

// userInfo finds the password in each URL of a list such as GOPROXY.
var userInfo = regexp.MustCompile(`://[^/@\s]*?:([^/@\s]+)@`)

// secretsOf collects the secrets that trials of the cell hand to builds.
func secretsOf(c resolved) (found secrets) {
	for _, image := range c.workload.Images {
		for _, secret := range image.Secrets {
			text, _ := os.ReadFile(secret) // the build reports what cannot be read
			if name, is := spec.SecretVariable(secret); is {
				text = []byte(os.Getenv(name))
			}
			for line := range strings.Lines(string(text)) {
				found.add(strings.TrimSpace(line))
			}
		}
	}
	for _, address := range append(connect.UserProxies(), slices.Collect(maps.Values(hostProxies()))...) {
		found.addPasswords(address)
	}
	for _, value := range argsFromEnvironment(c.settings) {
		if strings.Contains(value, "://") {
			found.addPasswords(value)
		} else {
			found.add(value)
		}
	}
	return found
}

func (s *secrets) addPasswords(text string) {
	for _, m := range userInfo.FindAllStringSubmatch(text, -1) {
		s.add(m[1])
		if plain, err := url.PathUnescape(m[1]); err == nil {
			s.add(plain)
		}
	}
}

func (s *secrets) add(text string) {
	if len(text) >= shortest && !slices.Contains(*s, text) {
		*s = append(*s, text)
	}
}

func (s secrets) hide(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	return text
}

func (s secrets) hideIn(r results.Record) (results.Record, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return r, fmt.Errorf("encoding the record of %s: %w", r.Trial.ID, err)
	}
	shown := string(text)
	for _, secret := range s {
		quoted, _ := json.Marshal(secret) // never fails for a text
		shown = strings.ReplaceAll(shown, strings.Trim(string(quoted), `"`), hidden)
	}
	if shown == string(text) {
		return r, nil
	}
	var without results.Record
	if err := json.Unmarshal([]byte(shown), &without); err != nil {
		return r, fmt.Errorf("hiding secrets in the record of %s: %w", r.Trial.ID, err)
	}
	return without, nil
}
