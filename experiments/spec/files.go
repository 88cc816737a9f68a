package spec

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/stratbench/stratbench/internal/readable"
	"github.com/stratbench/stratbench/internal/trial"
)

// OCI begins the address of a chart in a registry.
const OCI = "oci://"

// Remote takes the URL of a file and its checksum apart. ok is false for a path.
func Remote(path string) (address, sha256 string, ok bool) {
	if !strings.HasPrefix(path, "https://") && !strings.HasPrefix(path, "http://") && !strings.HasPrefix(path, OCI) {
		return "", "", false
	}
	address, sha256, _ = strings.Cut(path, "#sha256=")
	return address, strings.ToLower(sha256), true
}

// hash is over the workload's own text and the texts that it names. A file that
// cannot be read is an issue that others report.
func (w Workload) hash(source []byte) string {
	files := []string{w.KindConfig}
	for _, step := range w.Steps() {
		files = append(files, step.files()...)
	}
	for _, image := range w.FromDockerfiles() {
		files = append(files, filepath.Join(image.Context, image.Dockerfile))
	}
	texts := [][]byte{source}
	for _, file := range files {
		text, _ := readAtMost(file, maxBytes)
		texts = append(texts, text)
	}
	return hash(texts...)
}

// Folders are the folders that the workload is built, deployed and tested from.
func (w Workload) Folders() []string {
	all := append(foldersNamed(w.Test.Command, w.Test.Dir), w.Dir, w.Test.Dir)
	var files []string
	for _, image := range w.Images {
		all = append(append(all, image.Context, image.Dir), foldersNamed(image.Command, image.Dir)...)
		for _, context := range image.Contexts {
			if _, isImage := trial.ImageContext(context); !isImage {
				all = append(all, context)
			}
		}
		for _, secret := range image.Secrets {
			if _, isVariable := SecretVariable(secret); !isVariable {
				files = append(files, secret)
			}
		}
		for _, agent := range image.Agents() {
			files = append(files, agent)
		}
	}
	files = append(files, w.KindConfig)
	if w.Setup != nil {
		all = append(append(all, w.Setup.Dir), foldersNamed(w.Setup.Command, w.Setup.Dir)...)
	}
	for _, step := range w.Steps() {
		all = append(append(all, step.Dir), foldersNamed(step.Command, step.Dir)...)
		files = append(files, step.files()...)
	}
	for _, file := range files {
		if file != "" {
			all = append(all, filepath.Dir(file))
		}
	}
	all = slices.DeleteFunc(all, func(dir string) bool { return dir == "" })
	slices.Sort(all)
	return slices.Compact(all)
}

// foldersNamed are the folders of the files outside dir that a command names by a
// relative path, such as the script of "sh ../hack/e2e.sh".
func foldersNamed(command []string, dir string) (folders []string) {
	for _, arg := range command {
		path := filepath.Join(dir, arg)
		info, err := os.Stat(path)
		switch {
		case err != nil || !strings.HasPrefix(arg, "../"):
		case info.IsDir():
			folders = append(folders, path)
		default:
			folders = append(folders, filepath.Dir(path))
		}
	}
	return folders
}

// files are the files that a step reads.
func (s Step) files() (files []string) {
	for _, path := range s.Apply {
		if _, _, isRemote := Remote(path); !isRemote {
			files = append(files, path)
		}
	}
	if s.Kustomize != "" {
		files = append(files, ofKustomization(s.Kustomize, map[string]bool{})...)
	}
	if s.Helm != nil {
		if _, _, isRemote := Remote(s.Helm.Chart); !isRemote {
			files = append(files, filesBelow(s.Helm.Chart)...)
		}
		files = append(files, s.Helm.ValuesFiles...)
	}
	return files
}

// ofKustomization are the files of a kustomization and of those that it is
// built from.
func ofKustomization(dir string, seen map[string]bool) (files []string) {
	if seen[dir] {
		return nil
	}
	seen[dir] = true
	files = filesBelow(dir)
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		text, err := readable.File(filepath.Join(dir, name))
		var k struct{ Resources, Bases, Components []string }
		if err != nil || yaml.Unmarshal(text, &k) != nil {
			continue // the build of the kustomization reports it
		}
		for _, entry := range slices.Concat(k.Resources, k.Bases, k.Components) {
			other := filepath.Join(dir, entry)
			if info, err := os.Stat(other); err == nil && info.IsDir() {
				files = append(files, ofKustomization(other, seen)...)
			}
		}
	}
	return files
}

// filesBelow are all files below a folder, or the file itself. The folder and the files
// may be links. What cannot be read is reported by its reader.
func filesBelow(path string) (files []string) {
	root, _ := filepath.EvalSymlinks(path)
	_ = filepath.WalkDir(root, func(file string, _ fs.DirEntry, _ error) error {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			files = append(files, path+strings.TrimPrefix(file, root))
		}
		return nil
	})
	return files
}
