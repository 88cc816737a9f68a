package spec

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/trial"
)

// setting is what a factor varies.
type setting struct {
	// path leads to it, key by key, from "settings" or "workload". An element of a
	// list goes by its name.
	path []string
	// schema is what may be there.
	schema map[string]any
}

const workloadPrefix = "workload."

var imageName = regexp.MustCompile(`^images\.[^.]*\.name$`)

func (s setting) ofWorkload() bool { return s.path[0] == "workload" }

// findSetting resolves the name of a factor. The error names the part that is
// unknown and what is known instead.
func findSetting(factor string) (setting, error) {
	s := setting{[]string{"settings"}, lookUp(specRules().tree, "/properties/settings").(map[string]any)}
	rest, ofWorkload := strings.CutPrefix(factor, workloadPrefix)
	if ofWorkload {
		s = setting{[]string{"workload"}, workloadRules().tree}
	}
	switch {
	case factor == "workload":
		return s, errors.New("factor workload names no setting: a whole workload is no level; vary a part of it, such as workload.images.api.args.MODE, or make an experiment for each")
	case rest == "" || strings.HasSuffix(rest, "."):
		return s, fmt.Errorf("factor %q names no setting; write a dotted path such as memory or build.noCache", factor)
	case ofWorkload && (rest == "apiVersion" || imageName.MatchString(rest)):
		return s, fmt.Errorf("%s cannot be varied, because other settings refer to it; vary another setting", factor)
	}
	if meant := s.meant(factor); meant != "" {
		return s, fmt.Errorf("factor %s names no setting; %s", factor, meant)
	}
	for rest != "" {
		var key string
		key, rest, _ = strings.Cut(rest, ".")
		if free, ok := s.schema["additionalProperties"].(map[string]any); ok && free["type"] == "string" && rest != "" {
			// The keys of such a mapping are the user's own and may have dots.
			key, rest = key+"."+rest, ""
		}
		next, err := child(s.schema, key)
		if err != nil {
			return s, fmt.Errorf("factor %s names no setting: %w", factor, err)
		}
		s.path, s.schema = append(s.path, key), next
	}
	return s, nil
}

// meant returns what to do with a factor whose name is none: a setting under a wish, or
// one whose parts are joined in another way, such as loadPath for load.path.
func (s setting) meant(factor string) string {
	first, _, _ := strings.Cut(factor, ".")
	if s.ofWorkload() || lookUp(s.schema, pointerTo("properties", first)) != nil {
		return ""
	}
	if cure := insteadOf([]string{"settings", factor}); cure != "" {
		return cure
	}
	joined := strings.NewReplacer(".", "", "-", "", "_", "")
	name := joined.Replace(strings.TrimPrefix(factor, "settings."))
	for _, known := range leaves(s.schema, "") {
		if strings.EqualFold(name, joined.Replace(known)) {
			return fmt.Sprintf("did you mean %s?", known)
		}
	}
	return ""
}

// leaves are the dotted paths of the scalars below a schema.
func leaves(schema map[string]any, prefix string) (paths []string) {
	properties, _ := schema["properties"].(map[string]any)
	for key, below := range properties {
		if of := below.(map[string]any); of["properties"] != nil {
			paths = append(paths, leaves(of, prefix+key+".")...)
		} else {
			paths = append(paths, prefix+key)
		}
	}
	return paths
}

// child is the schema of what is under a key.
func child(schema map[string]any, key string) (map[string]any, error) {
	properties, _ := schema["properties"].(map[string]any)
	if p, ok := properties[key].(map[string]any); ok {
		return p, nil
	}
	if free, ok := schema["additionalProperties"].(map[string]any); ok {
		return free, nil
	}
	// Keys of any name and depth, as in the values of a chart, have no schema.
	if len(schema) == 0 || schema["type"] == "object" && schema["properties"] == nil && schema["additionalProperties"] == nil {
		return map[string]any{}, nil
	}
	if items, ok := schema["items"].(map[string]any); ok && lookUp(items, "/properties/name") != nil {
		return items, nil
	}
	if schema["items"] != nil {
		return nil, fmt.Errorf("%q would be an element of a list, which is varied as a whole; name the list, with levels such as {name: a, value: [b.yaml]}", key)
	}
	return nil, fmt.Errorf("%q is unknown; %s", key, suggest(key, slices.Sorted(maps.Keys(properties))))
}

// locate returns the JSON pointer of what a path leads to in doc. An element of a
// list goes by its name, or else by its number. The error means that there is no
// such element; the pointer is then what it would be.
func locate(doc any, path []string) (pointer string, err error) {
	for _, key := range path {
		switch here := doc.(type) {
		case []any:
			i, unknown := elementNamed(here, key)
			if doc = nil; unknown != nil {
				err = unknown
			} else {
				key, doc = strconv.Itoa(i), here[i]
			}
		case map[string]any:
			doc = here[key]
		}
		pointer += "/" + escape(key)
	}
	return pointer, err
}

// put returns doc with value where the path leads. Missing mappings on the way
// are made; doc itself is changed.
func put(doc any, path []string, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	if list, ok := doc.([]any); ok {
		i, err := elementNamed(list, path[0])
		if err != nil {
			return nil, err
		}
		list[i], err = put(list[i], path[1:], value)
		return list, err
	}
	mapping, ok := doc.(map[string]any)
	if !ok || mapping == nil {
		mapping = map[string]any{}
	}
	below, err := put(mapping[path[0]], path[1:], value)
	mapping[path[0]] = below
	return mapping, err
}

// elementNamed finds a list's element by its key "name".
func elementNamed(list []any, name string) (int, error) {
	var known []string
	for i, element := range list {
		if text, ok := lookUp(element, "/name").(string); ok {
			if text == name {
				return i, nil
			}
			known = append(known, text)
		}
	}
	return 0, fmt.Errorf("nothing here is named %q; %s", name, suggest(name, known))
}

// Cells lists every combination of the factors' levels that the design does not leave
// out, the last factor varying fastest. Without factors there is one cell, which is
// empty.
func (s *Spec) Cells() []trial.Cell {
	cells := []trial.Cell{{}}
	first := trial.Levels{} // of the factors that design.cells names
	for _, factor := range s.Factors {
		var longer []trial.Cell
		for _, cell := range cells {
			for _, level := range factor.Levels {
				longer = append(longer, append(slices.Clone(cell), trial.Assignment{Factor: factor.Name, Level: level.Name}))
			}
		}
		cells = longer
		if len(factor.Levels) > 0 && slices.ContainsFunc(s.Design.Cells, func(l trial.Levels) bool { return l[factor.Name] != "" }) {
			first[factor.Name] = factor.Levels[0].Name
		}
	}
	return slices.DeleteFunc(cells, func(cell trial.Cell) bool {
		return len(s.Design.Cells) > 0 && !slices.ContainsFunc(s.Design.Cells, func(l trial.Levels) bool { return first.With(l).In(cell) }) ||
			slices.ContainsFunc(s.Design.LeaveOut, func(l trial.Levels) bool { return len(l) > 0 && l.In(cell) })
	})
}

// Cell returns the settings and the workload of a cell: the spec's own, with
// the cell's levels in their places. A factor that the cell does not have
// keeps the spec's setting. For the cells of a loaded spec's plan there is no
// error.
func (s *Spec) Cell(cell trial.Cell) (Settings, Workload, error) {
	type parts struct {
		Settings Settings `json:"settings"`
		Workload Workload `json:"workload"`
	}
	refuse := func(err error) (Settings, Workload, error) {
		return Settings{}, Workload{}, fmt.Errorf("cell %s: %w", cell.Key(), err)
	}
	var doc any
	if err := decode(parts{s.Settings, s.Workload}, &doc); err != nil {
		return refuse(err)
	}
	for _, a := range cell {
		level, err := s.level(a)
		if err != nil {
			return refuse(err)
		}
		place, err := findSetting(a.Factor)
		if err != nil {
			return refuse(err)
		}
		if doc, err = put(doc, place.path, level.Value); err != nil {
			return refuse(fmt.Errorf("factor %s: %w", a.Factor, err))
		}
	}
	of := parts{defaultSettings(), defaultWorkload()}
	if err := decode(doc, &of); err != nil {
		return refuse(err)
	}
	if IsArchive(of.Settings.Engine) && !filepath.IsAbs(of.Settings.Engine) {
		of.Settings.Engine = filepath.Join(filepath.Dir(s.Path), of.Settings.Engine)
	}
	of.Workload.Path, of.Workload.Dir, of.Workload.SHA256 = s.Workload.Path, s.Workload.Dir, s.Workload.SHA256
	if problems := of.Workload.resolve(); len(problems) > 0 && len(s.faulty) == 0 { // else they are known
		return refuse(errors.New(problems[0].message))
	}
	return of.Settings, of.Workload, nil
}

// LevelNames are the names of a factor's levels. varied is false if the experiment has
// no such factor.
func (s *Spec) LevelNames(factor string) (names []string, varied bool) {
	i := slices.IndexFunc(s.Factors, func(f trial.Factor) bool { return f.Name == factor })
	if i < 0 {
		return nil, false
	}
	for _, level := range s.Factors[i].Levels {
		names = append(names, level.Name)
	}
	return names, true
}

func (s *Spec) level(a trial.Assignment) (trial.Level, error) {
	for _, factor := range s.Factors {
		for _, level := range factor.Levels {
			if factor.Name == a.Factor && level.Name == a.Level {
				return level, nil
			}
		}
	}
	return trial.Level{}, fmt.Errorf("the spec has no factor %s with a level %q", a.Factor, a.Level)
}

// Where returns the file and position of a cell's setting. The setting goes by the
// name that a factor of it would have: "runtime", "workload.kindConfig",
// "workload.images.api.tag", "workload.manifests.0". The position is that of the
// level, if a factor varies the setting; or else the setting's own in the spec or
// the workload, or of the nearest value around it.
func (s *Spec) Where(cell trial.Cell, setting string) (string, issue.Position) {
	if s.document == nil { // the spec was not loaded from a file
		return s.Path, issue.Position{}
	}
	for name := setting; name != ""; name = name[:max(0, strings.LastIndexByte(name, '.'))] {
		if level, varied := cell.Level(name); varied {
			at := pointerTo("factors", name)
			values, _ := lookUp(s.document.value, at).([]any)
			for i := range values {
				if here := fmt.Sprintf("%s/%d", at, i); s.document.text[here] == level || s.document.text[here+"/name"] == level {
					return s.document.file, s.document.where(here)
				}
			}
			return s.document.file, s.document.where(at)
		}
	}
	path, ofWorkload := strings.CutPrefix(setting, workloadPrefix)
	if !ofWorkload || s.workloadDocument == nil {
		return s.document.file, s.document.where("/settings/" + strings.ReplaceAll(setting, ".", "/"))
	}
	pointer, _ := locate(s.workloadDocument.value, strings.Split(path, "."))
	return s.workloadDocument.file, s.workloadDocument.where(pointer)
}
