package main

import (
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// The survey reads all kustomizations that a build will read, level by level, before it is built: each
// level costs four conversations whatever its size, and brings most files that the build asks for. It
// refuses what is remote, charts to be inflated, and folders that lead back to themselves.
type survey struct {
	files          *sourceFiles
	root           string
	budget         budget
	kustomizations map[string]*kustomization // by folder, links followed
	entries        []namedEntry              // everything that any of them names
	hasSchema      bool
}

// kustomization is one folder with its file and the folders it builds upon.
type kustomization struct {
	folder string
	file   string // path in the source
	bases  []base
}

type base struct {
	entry  entryOf
	folder string
}

// entryOf is a path as it stands in a field of a kustomization.
type entryOf struct {
	field string
	text  string
}

// namedEntry is an entry with the place it leads to.
type namedEntry struct {
	entryOf
	by        *kustomization
	path      string
	isOperand bool
}

func newSurvey(files *sourceFiles, root string, allowed budget) *survey {
	return &survey{files: files, root: root, budget: allowed, kustomizations: map[string]*kustomization{}}
}

// forgetSchemas undoes what an `openapi` field did: the library keeps a schema for its next build. To
// read the built-in one again takes 80 ms, so it stays where nothing replaced it.
func (s *survey) forgetSchemas() {
	if s.hasSchema {
		openapi.ResetOpenAPI()
	}
}

func (s *survey) run() error {
	if s.files.find(s.root) == nil {
		return invalidSource("the application's folder does not exist")
	}
	level := []string{s.root}
	for len(level) > 0 {
		next, err := s.visitAll(level)
		if err != nil {
			return err
		}
		if len(s.kustomizations) > s.budget.Files {
			return budgetExceeded("more than %d kustomizations build upon each other", s.budget.Files)
		}
		level = next
	}
	if file := s.kustomizations[s.root].file; file == "" {
		return invalidSource("kustomization.yaml is missing: the folder is nothing that Kustomize builds").
			then("set path to the folder of the kustomization, or choose another renderer")
	}
	if err := s.refuseBombs(); err != nil {
		return err
	}
	return s.refuseCycles()
}

// visitAll reads the kustomizations of folders and returns the folders they name that are new.
func (s *survey) visitAll(folders []string) ([]string, error) {
	var candidates []string
	for _, folder := range folders {
		for _, name := range konfig.RecognizedKustomizationFileNames() {
			candidates = append(candidates, path.Join(folder, name))
		}
	}
	s.files.findAll(candidates)
	s.files.readAll(candidates)
	read := make(map[string]*readKustomization, len(folders))
	var named []string
	for _, folder := range folders {
		each, err := s.parse(folder)
		if err != nil {
			return nil, err
		}
		read[folder] = each
		named = append(named, s.note(each)...)
	}
	s.files.findAll(named)
	s.files.readAll(named)
	var next []string
	for _, folder := range folders {
		if err := s.refuseRemote(read[folder]); err != nil {
			return nil, err
		}
		for _, each := range s.follow(read[folder]) {
			if _, isKnown := s.kustomizations[each]; !isKnown && !slices.Contains(next, each) {
				next = append(next, each)
			}
		}
	}
	return next, nil
}

// readKustomization is what a kustomization names: folders or files, files, and inline texts.
type readKustomization struct {
	*kustomization
	operands []entryOf // a file or a folder
	files    []entryOf
}

func (s *survey) parse(folder string) (*readKustomization, error) {
	made := &kustomization{folder: folder}
	s.kustomizations[folder] = made
	read := &readKustomization{kustomization: made}
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file := path.Join(folder, name)
		found := s.files.found[file]
		if found == nil || found.Kind != kindFile {
			continue
		}
		if made.file != "" {
			return nil, invalidManifest("%s stands beside %s: there can be one kustomization per folder", s.shown(file), path.Base(made.file))
		}
		made.file = file
	}
	if made.file == "" {
		return read, nil // named as a base it is an error that Kustomize tells
	}
	content := s.files.contents[s.files.found[made.file].Path]
	var parsed types.Kustomization
	if err := parsed.Unmarshal(content); err != nil {
		return nil, s.explainKustomization(made.file, content, err)
	}
	parsed.FixKustomization()
	s.hasSchema = s.hasSchema || parsed.OpenAPI != nil
	if err := s.refuseCharts(made.file, &parsed); err != nil {
		return nil, err
	}
	read.collect(&parsed)
	return read, nil
}

func (r *readKustomization) collect(parsed *types.Kustomization) {
	operands := func(field string, texts []string) {
		for _, text := range texts {
			r.operands = append(r.operands, entryOf{field, text})
		}
	}
	file := func(field, text string) {
		if text != "" {
			r.files = append(r.files, entryOf{field, text})
		}
	}
	operands("resources", parsed.Resources)
	operands("components", parsed.Components)
	operands("generators", parsed.Generators)
	operands("transformers", parsed.Transformers)
	operands("validators", parsed.Validators)
	for _, each := range parsed.Crds {
		file("crds", each)
	}
	for _, each := range parsed.Configurations {
		file("configurations", each)
	}
	for _, each := range parsed.Patches {
		file("patches", each.Path)
	}
	for _, each := range parsed.PatchesJson6902 {
		file("patchesJson6902", each.Path)
	}
	for _, each := range parsed.PatchesStrategicMerge {
		file("patchesStrategicMerge", string(each))
	}
	for _, each := range parsed.Replacements {
		file("replacements", each.Path)
	}
	file("openapi", parsed.OpenAPI["path"])
	for _, each := range parsed.ConfigMapGenerator {
		r.sources("configMapGenerator", each.KvPairSources)
	}
	for _, each := range parsed.SecretGenerator {
		r.sources("secretGenerator", each.KvPairSources)
	}
}

func (r *readKustomization) sources(field string, from types.KvPairSources) {
	for _, each := range from.FileSources {
		if _, after, hasKey := strings.Cut(each, "="); hasKey {
			each = after
		}
		r.files = append(r.files, entryOf{field, each})
	}
	for _, each := range from.EnvSources {
		r.files = append(r.files, entryOf{field, each})
	}
}

// note keeps the paths in the source that the entries may lead to; inline texts are none.
func (s *survey) note(read *readKustomization) []string {
	var paths []string
	for i, each := range append(slices.Clone(read.operands), read.files...) {
		if joined, ok := read.path(each); ok {
			paths = append(paths, joined)
			s.entries = append(s.entries, namedEntry{each, read.kustomization, joined, i < len(read.operands)})
		}
	}
	return paths
}

func (r *readKustomization) path(each entryOf) (string, bool) {
	if strings.ContainsAny(each.text, "\n\x00") || isRemote(each.text) {
		return "", false
	}
	return below(r.folder, each.text)
}

// follow notes the folders that a kustomization builds upon.
func (s *survey) follow(read *readKustomization) []string {
	var folders []string
	for _, each := range read.operands {
		joined, ok := read.path(each)
		if !ok {
			continue
		}
		if found := s.files.found[joined]; found != nil && found.Kind == kindFolder {
			read.bases = append(read.bases, base{each, found.Path})
			folders = append(folders, found.Path)
		}
	}
	return folders
}

// shown is a path of the source as a person in the application's folder would write it.
func (s *survey) shown(file string) string {
	if s.root == "" {
		return file
	}
	if below, isBelow := strings.CutPrefix(file, s.root+"/"); isBelow {
		return below
	}
	return file
}
