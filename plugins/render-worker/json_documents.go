package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// JSON files: one value each, read by the rules of JSON alone; keys that stand twice are refused as
// in YAML.

func readJSON(content []byte, file string, allowed budget) ([]document, error) {
	if int64(len(content)) > allowed.FileBytes {
		return nil, budgetExceeded("%s:1: larger than %d bytes", file, allowed.FileBytes).then("split the file")
	}
	content = bytes.TrimPrefix(content, byteOrderMark)
	if len(bytes.TrimSpace(content)) == 0 {
		return nil, nil
	}
	if line := lineOfBadUTF8(content); line > 0 {
		return nil, invalidManifest("%s:%d: not valid JSON: not UTF-8 text", file, line).then("save the file as UTF-8")
	}
	decoder := withNumbers(json.NewDecoder(bytes.NewReader(content)))
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, explainJSON(err, content, file, decoder.InputOffset())
	}
	if _, err := decoder.Token(); err != io.EOF {
		line := 1 + bytes.Count(content[:decoder.InputOffset()], []byte("\n"))
		return nil, invalidManifest("%s:%d: not valid JSON: something follows the value", file, line).
			then("write one value per file, or several documents as YAML")
	}
	if line, key := keyTwice(content); line > 0 {
		return nil, invalidManifest("%s:%d: the key %s stands here twice", file, line, key)
	}
	if deeperThan(value, deepest) {
		return nil, tooDeep(file, 1)
	}
	if value == nil {
		return nil, nil
	}
	return []document{{value, file, 1}}, nil
}

func explainJSON(err error, content []byte, file string, offset int64) *failure {
	message := "unexpected end"
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset, message = syntax.Offset, oneSentence(syntax.Error())
	} else if errors.Is(err, io.ErrUnexpectedEOF) {
		offset = int64(len(bytes.TrimRight(content, " \t\r\n")))
	}
	line := 1 + bytes.Count(content[:min(offset, int64(len(content)))], []byte("\n"))
	return invalidManifest("%s:%d: not valid JSON: %s", file, line, message)
}

// keyTwice walks the tokens of valid JSON and returns the first key that stands twice in its object,
// with its line; line 0 when there is none.
func keyTwice(content []byte) (line int, key string) {
	decoder := withNumbers(json.NewDecoder(bytes.NewReader(content)))
	type level struct {
		keys  map[string]bool // nil for a list
		isKey bool
	}
	var levels []level
	for {
		token, err := decoder.Token()
		if err != nil {
			return 0, ""
		}
		var top *level
		if len(levels) > 0 {
			top = &levels[len(levels)-1]
		}
		if top != nil && top.keys != nil && top.isKey {
			if name, ok := token.(string); ok {
				if top.keys[name] {
					return 1 + bytes.Count(content[:decoder.InputOffset()], []byte("\n")), name
				}
				top.keys[name], top.isKey = true, false
				continue
			}
		}
		switch token {
		case json.Delim('{'):
			levels = append(levels, level{map[string]bool{}, true})
			continue
		case json.Delim('['):
			levels = append(levels, level{})
			continue
		case json.Delim('}'), json.Delim(']'):
			levels = levels[:len(levels)-1]
		}
		if len(levels) > 0 {
			levels[len(levels)-1].isKey = true
		}
	}
}
