package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// mount is where Kustomize sees the source. Were it `/`, a path that leads out of the source would lead
// back into it, for nothing is above `/`.
const mount = "/source"

// sourceFiles is the source as Kustomize's file system. It remembers what it was
// told for the time of one render, so that the survey's few conversations answer most of Kustomize's
// questions. Nothing can be written.
type sourceFiles struct {
	asker    *asker
	found    map[string]*place // by path as it was asked for
	contents map[string][]byte // by path with links followed
}

var (
	_           filesys.FileSystem = (*sourceFiles)(nil)
	errReadOnly                    = errors.New("the source cannot be written")
)

func newSourceFiles(asker *asker) *sourceFiles {
	return &sourceFiles{asker, map[string]*place{}, map[string][]byte{}}
}

// findAll learns what paths lead to, in one conversation.
func (s *sourceFiles) findAll(paths []string) {
	var unknown []string
	for _, each := range paths {
		if _, isKnown := s.found[each]; !isKnown {
			s.found[each] = nil
			unknown = append(unknown, each)
		}
	}
	for i, found := range s.asker.find(unknown) {
		if found != nil && found.Path == "." {
			found.Path = ""
		}
		s.found[unknown[i]] = found
	}
}

func (s *sourceFiles) find(path string) *place {
	s.findAll([]string{path})
	return s.found[path]
}

// findMounted is find for a path of Kustomize's; outside of the source there is nothing.
func (s *sourceFiles) findMounted(name string) (found *place, relative string) {
	relative, isInside := unmounted(name)
	if !isInside {
		return nil, relative
	}
	return s.find(relative), relative
}

func mounted(relative string) string { return path.Join(mount, relative) }

func unmounted(name string) (relative string, isInside bool) {
	name = path.Clean(name)
	if name == mount {
		return "", true
	}
	return strings.CutPrefix(name, mount+"/")
}

// readAll reads the files among what paths lead to, in one conversation.
func (s *sourceFiles) readAll(paths []string) {
	var unread []string
	for _, each := range paths {
		found := s.found[each]
		if found == nil || found.Kind != kindFile {
			continue
		}
		if _, isKnown := s.contents[found.Path]; !isKnown {
			s.contents[found.Path] = nil
			unread = append(unread, found.Path)
		}
	}
	for i, content := range s.asker.read(unread) {
		s.contents[unread[i]] = content
	}
}

func (s *sourceFiles) ReadFile(name string) ([]byte, error) {
	found, relative := s.findMounted(name)
	if found == nil {
		return nil, fmt.Errorf("%s: %w", relative, fs.ErrNotExist)
	}
	if found.Kind != kindFile {
		return nil, fmt.Errorf("%s is not a file", relative)
	}
	s.readAll([]string{relative})
	return s.contents[found.Path], nil
}

func (s *sourceFiles) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	found, relative := s.findMounted(name)
	if found == nil {
		return "", "", fmt.Errorf("%s: %w", relative, fs.ErrNotExist)
	}
	absolute := mounted(found.Path)
	if found.Kind == kindFolder {
		return filesys.ConfirmedDir(absolute), "", nil
	}
	return filesys.ConfirmedDir(path.Dir(absolute)), path.Base(absolute), nil
}

func (s *sourceFiles) IsDir(name string) bool {
	found, _ := s.findMounted(name)
	return found != nil && found.Kind == kindFolder
}

func (s *sourceFiles) Exists(name string) bool {
	found, _ := s.findMounted(name)
	return found != nil
}

func (s *sourceFiles) ReadDir(name string) ([]string, error) {
	found, relative := s.findMounted(name)
	if found == nil || found.Kind != kindFolder {
		return nil, fmt.Errorf("%s: %w", relative, fs.ErrNotExist)
	}
	entries := s.asker.list(relative)
	names := make([]string, len(entries))
	for i, each := range entries {
		names[i] = each.Name
	}
	return names, nil
}

func (s *sourceFiles) Open(string) (filesys.File, error)    { return nil, errReadOnly }
func (s *sourceFiles) Create(string) (filesys.File, error)  { return nil, errReadOnly }
func (s *sourceFiles) Mkdir(string) error                   { return errReadOnly }
func (s *sourceFiles) MkdirAll(string) error                { return errReadOnly }
func (s *sourceFiles) RemoveAll(string) error               { return nil }
func (s *sourceFiles) WriteFile(string, []byte) error       { return errReadOnly }
func (s *sourceFiles) Glob(string) ([]string, error)        { return nil, errReadOnly }
func (s *sourceFiles) Walk(string, filepath.WalkFunc) error { return errReadOnly }
