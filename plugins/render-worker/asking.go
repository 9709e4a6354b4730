package main

import (
	"encoding/json"
	"path"
	"strings"
)

// Asking the controller: files, folders and facts of the cluster. Paths are relative to the source's
// root. The controller follows links, guards paths and keeps the budget; when it refuses, the render
// ends at once, and the controller tells its own reason.

const (
	kindFile   = "file"
	kindFolder = "folder"
)

// place is what a path leads to, links followed.
type place struct {
	Path string `json:"path"`
	Kind string `json:"kind"`
	Size int64  `json:"size"`
}

type entry struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Size int64  `json:"size"`
}

// clusterFacts are nil where the controller does not know them.
type clusterFacts struct {
	KubernetesVersion *string  `json:"kubernetesVersion"`
	APIVersions       []string `json:"apiVersions"`
}

type question struct {
	Ask   string   `json:"ask"`
	Path  *string  `json:"path,omitempty"`
	Paths []string `json:"paths,omitempty"`
	Names []string `json:"names,omitempty"`
}

type answer struct {
	Refused *string      `json:"refused"`
	Found   []*place     `json:"found"`
	Entries []entry      `json:"entries"`
	Sizes   []int64      `json:"sizes"`
	Facts   clusterFacts `json:"facts"`
}

// asker puts questions for one render.
type asker struct{ pipes *pipes }

// refused unwinds a render that the controller said no to: the libraries between here and there would
// take it for a file that does not exist, and go on.
type refused struct{}

func (a *asker) ask(asked question) (answer, []byte) {
	a.pipes.send(asked, nil)
	received := <-a.pipes.incoming
	var given answer
	if err := json.Unmarshal(received.header, &given); err != nil {
		panic(invalidSource("the controller's answer is not JSON"))
	}
	if given.Refused != nil {
		panic(refused{})
	}
	return given, received.body
}

// find says what each path leads to; nil where there is nothing.
func (a *asker) find(paths []string) []*place {
	if len(paths) == 0 {
		return nil
	}
	given, _ := a.ask(question{Ask: "find", Paths: paths})
	if len(given.Found) != len(paths) {
		panic(invalidSource("the controller found %d of %d paths", len(given.Found), len(paths)))
	}
	return given.Found
}

// list returns the entries of a folder, sorted by name; nil when there is no such folder.
func (a *asker) list(folder string) []entry {
	given, _ := a.ask(question{Ask: "list", Path: &folder})
	return given.Entries
}

// walk returns all entries below a folder, depth first; nil when there is no such folder.
func (a *asker) walk(folder string) []entry {
	given, _ := a.ask(question{Ask: "walk", Path: &folder})
	return given.Entries
}

// read returns the contents of files, all in one conversation; nil where there is no such file.
func (a *asker) read(paths []string) [][]byte {
	if len(paths) == 0 {
		return nil
	}
	given, body := a.ask(question{Ask: "read", Paths: paths})
	if len(given.Sizes) != len(paths) {
		panic(invalidSource("the controller read %d of %d files", len(given.Sizes), len(paths)))
	}
	contents, err := cut(body, given.Sizes)
	if err != nil {
		panic(err)
	}
	return contents
}

func (a *asker) facts(names ...string) clusterFacts {
	given, _ := a.ask(question{Ask: "facts", Names: names})
	return given.Facts
}

// cut takes a body apart; a size below zero stands for a file that does not exist.
func cut(body []byte, sizes []int64) ([][]byte, *failure) {
	parts := make([][]byte, len(sizes))
	for i, size := range sizes {
		if size < 0 {
			continue
		}
		if size > int64(len(body)) {
			return nil, invalidSource("the controller sent fewer bytes than it said")
		}
		parts[i], body = body[:size:size], body[size:]
	}
	return parts, nil
}

// below joins a folder of the source and a path relative to it; ok is false when it leads out of the
// source.
func below(folder, relative string) (joined string, ok bool) {
	if path.IsAbs(relative) || strings.ContainsRune(relative, 0) {
		return "", false
	}
	joined = path.Join(folder, relative)
	if joined == ".." || strings.HasPrefix(joined, "../") {
		return "", false
	}
	if joined == "." {
		joined = ""
	}
	return joined, true
}
