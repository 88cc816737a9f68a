package run

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/connect"
)

// secrets are texts that builds are given and that no record and no log may
// show: a Dockerfile that prints its environment prints the proxy's password.
type secrets []string

// hidden stands for a secret.
const hidden = "(hidden)"

// shortest is how long a value must be to count as a secret: hiding "1" or
// "true" everywhere would hide the log.
const shortest = 6

// userInfo finds the password in each URL of a list of them, such as GOPROXY.
var userInfo = regexp.MustCompile(`://[^/@\s]*?:([^/@\s]+)@`)

// secretsOf collects what of the environment and of the user's configuration a
// trial with these settings hands to builds.
func secretsOf(s spec.Settings, w spec.Workload) (found secrets) {
	for _, image := range w.Images {
		for _, path := range image.Secrets {
			text, err := os.ReadFile(path)
			if err != nil {
				continue // the build says so
			}
			for line := range strings.Lines(string(text)) {
				found.add(strings.TrimSpace(line))
			}
		}
	}
	for _, address := range append(connect.UserProxies(), values(hostProxies())...) {
		found.addPasswords(address)
	}
	for _, value := range argsFromEnvironment(s) {
		if strings.Contains(value, "://") {
			found.addPasswords(value)
		} else {
			found.add(value)
		}
	}
	return found
}

func values(of map[string]string) (all []string) {
	for _, value := range of {
		all = append(all, value)
	}
	return all
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

// hide takes the secrets out of a text.
func (s secrets) hide(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	return text
}

// hideIn takes the secrets out of a record.
func (s secrets) hideIn(r results.Record) (results.Record, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return r, fmt.Errorf("encoding the record of %s: %w", r.Trial.ID, err)
	}
	shown := string(text)
	for _, secret := range s {
		quoted, err := json.Marshal(secret)
		if err != nil {
			return r, err
		}
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
