package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Documents of YAML, as kubectl reads them (yaml_values.go); added are their lines, bounds
// (yaml_bounds.go) and the refusal of keys that stand twice (yaml_keys.go).

type document struct {
	value any
	file  string
	line  int
}

func (d document) origin() string { return fmt.Sprintf("%s:%d", d.file, d.line) }

var byteOrderMark = []byte("\ufeff")

// doubles says what becomes of keys that stand twice in a mapping.
type doubles int

const (
	refuseDoubles doubles = iota // in what people write
	lastHolds                    // in what charts render, as Helm and kubectl have it
)

// readYAML returns all documents of a file that are not empty.
func readYAML(content []byte, file string, doubles doubles, allowed budget) ([]document, error) {
	if int64(len(content)) > allowed.FileBytes {
		return nil, budgetExceeded("%s:1: larger than %d bytes", file, allowed.FileBytes).then("split the file")
	}
	if line := lineOfBadUTF8(content); line > 0 {
		return nil, invalidManifest("%s:%d: not valid YAML: not UTF-8 text", file, line).
			then("save the file as UTF-8")
	}
	var documents []document
	for _, part := range splitStream(bytes.TrimPrefix(content, byteOrderMark)) {
		value, err := readDocument(part, file, doubles)
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

// readDocument returns the value of one document; nil when it is empty.
func readDocument(part streamPart, file string, doubles doubles) (any, error) {
	if err := checkAliases(part, file); err != nil {
		return nil, err
	}
	found, err := parse(part.text, doubles == refuseDoubles)
	if err != nil && duplicateKey.MatchString(err.Error()) {
		if twice := doubledKeys(part); twice != nil {
			return nil, doubledError(twice).explain(part, file)
		}
		found, err = parse(part.text, false)
	}
	if err != nil {
		return nil, explainYAML(err, part, file)
	}
	value, err := asJSON(found)
	if err != nil {
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
