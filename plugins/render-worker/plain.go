package main

import "strings"

// plain: the manifests are what the files say. The controller chose the files and sends them whole;
// `.json` files hold one JSON value, all others a stream of YAML documents.

type plainFile struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
}

func renderPlain(made *output, files []plainFile, body []byte) error {
	sizes := make([]int64, len(files))
	for i, file := range files {
		sizes[i] = file.Size
	}
	contents, failed := cut(body, sizes)
	if failed != nil {
		return failed
	}
	for i, file := range files {
		documents, err := readPlain(contents[i], file.Path, made.budget)
		if err != nil {
			return err
		}
		for _, document := range documents {
			if err := made.add(document.value, document.origin()); err != nil {
				return err
			}
		}
	}
	return nil
}

func readPlain(content []byte, file string, allowed budget) ([]document, error) {
	if strings.HasSuffix(file, ".json") {
		return readJSON(content, file, allowed)
	}
	return readYAML(content, file, refuseDoubles, allowed)
}
