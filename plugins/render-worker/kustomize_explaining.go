package main

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What Kustomize says is wrong, as one sentence. Its errors are chains that repeat themselves from the
// outside to the inside and hold paths from the root of its file system; files that are no YAML are
// told with their line instead, because we know it.

var (
	wrapping = regexp.MustCompile(`(?s)^.*(?:must resolve to a file'|must build at directory|accumulating components|accumulateDirectory): `)
	// A file may fail by itself; Kustomize then tries it as a folder too, which it is not.
	ofFile      = regexp.MustCompile(`(?s)^.*accumulation err='(?:accumulating resources from )?(.*)': must build at directory: .*file is not directory$`)
	external    = regexp.MustCompile(`unable to load external plugin '(\S+?)'`)
	mountedPath = regexp.MustCompile(`(['"(]?)` + mount + `/([^\s'"():]+)(['")]?)`)
)

func (s *survey) explain(err error) *failure {
	text := err.Error()
	doubles := lastHolds
	if strings.Contains(text, "already defined at line") {
		doubles = refuseDoubles // Kustomize refuses them in resources, and names no file
	}
	if failed := s.explainEntries(); failed != nil {
		return failed
	}
	if failed := s.explainFiles(doubles); failed != nil {
		return failed
	}
	if failed := s.explainObjects(); failed != nil {
		return failed
	}
	if found := external.FindStringSubmatch(text); found != nil {
		return invalidSource("%s: the plugin %s is none of Kustomize's own, and Shoal runs no other",
			s.rootFile(), limited(found[1], longestAddress))
	}
	if strings.Contains(text, "--enable-helm") || strings.Contains(text, "HelmChartInflationGenerator") {
		return invalidSource("%s: a HelmChartInflationGenerator would run a helm program, which Shoal does not",
			s.rootFile()).then("make the chart an application of its own with the renderer helm")
	}
	if found := ofFile.FindStringSubmatch(text); found != nil {
		text = found[1]
	} else {
		text = unwrapped(text)
	}
	return invalidManifest("%s: %s", s.rootFile(), oneSentence(s.withPaths(text)))
}

// unwrapped is the innermost reason; those of components are quoted by those around them.
func unwrapped(text string) string {
	text = wrapping.ReplaceAllString(text, "")
	if inner, err := strconv.Unquote(text); err == nil {
		return unwrapped(inner)
	}
	return text
}

func (s *survey) rootFile() string { return s.shown(s.kustomizations[s.root].file) }

// withPaths writes the paths of the source as they are in the source, and out of quotes: what is in
// quotes may be a value.
func (s *survey) withPaths(text string) string {
	return mountedPath.ReplaceAllStringFunc(text, func(match string) string {
		return s.shown(mountedPath.FindStringSubmatch(match)[2])
	})
}

// explainEntries finds an entry that leads to nothing, or to a file that Kustomize does not read.
func (s *survey) explainEntries() *failure {
	for _, each := range s.entries {
		if !isPath(each.text) || strings.Contains(each.text, ": ") {
			continue
		}
		found, text := s.files.found[each.path], limited(each.text, longestAddress)
		switch {
		case found == nil:
			return invalidManifest("%s: %s names %s, which does not exist", s.shown(each.by.file), each.field, text)
		case found.Kind == kindFile && !isAbove(each.by.folder, found.Path):
			return invalidManifest("%s: %s names %s, a file outside of the kustomization's folder",
				s.shown(each.by.file), each.field, text).
				then("move it below, or make its folder a base with a kustomization.yaml of its own")
		case found.Kind == kindFolder && each.isOperand && s.kustomizations[found.Path].file == "":
			return invalidManifest("%s: %s names %s, a folder without a kustomization.yaml",
				s.shown(each.by.file), each.field, text)
		}
	}
	return nil
}

// explainObjects finds a resource that is no object: it has no kind, or no name.
func (s *survey) explainObjects() *failure {
	for _, each := range s.entries {
		found := s.files.found[each.path]
		if each.field != "resources" || found == nil || found.Kind != kindFile {
			continue
		}
		documents, _ := readYAML(s.files.contents[found.Path], s.shown(each.path), lastHolds, s.budget)
		for _, document := range documents {
			object, ok := document.value.(map[string]any)
			if !ok {
				return invalidManifest(notAManifest+"expected a mapping", document.origin())
			}
			if err := checkObject(object, document.origin()); err != nil {
				return asFailure(err)
			}
			metadata, _ := object["metadata"].(map[string]any)
			if name, _ := metadata["name"].(string); name == "" && !strings.HasSuffix(object["kind"].(string), "List") {
				return invalidManifest("%s: metadata.name is missing or not text", document.origin())
			}
		}
	}
	return nil
}

// explainFiles finds a file that was read and is no YAML.
func (s *survey) explainFiles(doubles doubles) *failure {
	for _, name := range slices.Sorted(maps.Keys(s.files.contents)) {
		if !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".yml") {
			continue
		}
		_, err := readYAML(s.files.contents[name], s.shown(name), doubles, s.budget)
		if err != nil {
			return asFailure(err)
		}
	}
	return nil
}

var unknownField = regexp.MustCompile(`unknown field "([\w.-]{1,60})"`)

func (s *survey) explainKustomization(file string, content []byte, err error) *failure {
	if _, told := readYAML(content, s.shown(file), lastHolds, s.budget); told != nil {
		return asFailure(told)
	}
	if found := unknownField.FindStringSubmatch(err.Error()); found != nil {
		return invalidManifest("%s: Kustomize knows no field %s", s.shown(file), found[1])
	}
	text := strings.TrimPrefix(err.Error(), "invalid Kustomization: ")
	return invalidManifest("%s: not a kustomization: %s", s.shown(file), oneSentence(text))
}
