package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// Documents of YAML and JSON, as kubectl reads them: sigs.k8s.io/yaml decides what a text means. Added
// to it are lines, bounds (yaml_bounds.go) and the refusal of keys that stand twice.

type document struct {
	value any
	file  string
	line  int
}

func (d document) origin() string { return fmt.Sprintf("%s:%d", d.file, d.line) }

var byteOrderMark = []byte("\ufeff")

// readYAML returns all documents of a file that are not empty; a key that stands twice is an error.
func readYAML(content []byte, file string, allowed budget) ([]document, error) {
	return readYAMLBy(unmarshalOnce, content, file, allowed)
}

func readYAMLBy(unmarshal unmarshal, content []byte, file string, allowed budget) ([]document, error) {
	if int64(len(content)) > allowed.FileBytes {
		return nil, budgetExceeded("%s:1: larger than %d bytes", file, allowed.FileBytes).then("split the file")
	}
	if line := lineOfBadUTF8(content); line > 0 {
		return nil, invalidManifest("%s:%d: not valid YAML: not UTF-8 text", file, line).
			then("save the file as UTF-8")
	}
	var documents []document
	for _, part := range splitStream(bytes.TrimPrefix(content, byteOrderMark)) {
		value, err := readDocument(part, file, unmarshal)
		if err != nil {
			return nil, err
		}
		if value == nil {
			continue
		}
		if len(documents) == allowed.Documents {
			return nil, budgetExceeded("%s:%d: more than %d documents", file, part.contentLine(), allowed.Documents).
				then("split the file")
		}
		documents = append(documents, document{value, file, part.contentLine()})
	}
	return documents, nil
}

type unmarshal func(text []byte, into any, options ...yaml.JSONOpt) error

// readDocument returns the value of one document; nil when it is empty.
func readDocument(part streamPart, file string, unmarshal unmarshal) (any, error) {
	if err := checkAliases(part, file); err != nil {
		return nil, err
	}
	var value any
	if err := unmarshal(part.text, &value, withNumbers); err != nil {
		return nil, explainYAML(err, part, file)
	}
	if deeperThan(value, deepest) {
		return nil, tooDeep(file, part.contentLine())
	}
	return value, nil
}

// withNumbers keeps integers whole: without it a large one becomes a float.
func withNumbers(decoder *json.Decoder) *json.Decoder {
	decoder.UseNumber()
	return decoder
}

func lineOfBadUTF8(content []byte) int {
	if utf8.Valid(content) {
		return 0
	}
	line := 1
	for len(content) > 0 {
		char, size := utf8.DecodeRune(content)
		if char == utf8.RuneError && size == 1 {
			return line
		}
		if char == '\n' {
			line++
		}
		content = content[size:]
	}
	return line
}
