package main

import (
	"errors"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
	goyaml "sigs.k8s.io/yaml/goyaml.v2"
)

// Keys that stand twice in a mapping. The library's strict reading finds them, but takes a key that
// overrides one of a merged mapping (`<<`) for such a key too, which is what merging is for.

// unmarshalOnce reads as yaml.Unmarshal does, and refuses keys that stand twice in the text.
func unmarshalOnce(text []byte, into any, options ...yaml.JSONOpt) error {
	strictly := yaml.UnmarshalStrict(text, into, options...)
	if strictly == nil {
		return nil
	}
	told := duplicateKey.FindAllStringSubmatch(strictly.Error(), -1)
	if told == nil {
		return strictly
	}
	twice := keysTwice(text)
	var lines []string
	for _, each := range told {
		if twice[each[2]] {
			lines = append(lines, each[0])
		}
	}
	if lines == nil {
		return yaml.Unmarshal(text, into, options...)
	}
	return errors.New(strings.Join(lines, "\n"))
}

// keysTwice returns the keys that stand twice somewhere in a text, written as the library writes them
// in its messages. Ordered mappings keep such keys, and leave out what is merged.
func keysTwice(text []byte) map[string]bool {
	twice := map[string]bool{}
	var root goyaml.MapSlice
	if goyaml.Unmarshal(text, &root) == nil {
		noteTwice(root, twice)
	}
	return twice
}

func noteTwice(value any, twice map[string]bool) {
	switch value := value.(type) {
	case goyaml.MapSlice:
		seen := map[string]bool{}
		for _, item := range value {
			key := fmt.Sprintf("%#v", item.Key)
			twice[key] = twice[key] || seen[key]
			seen[key] = true
			noteTwice(item.Value, twice)
		}
	case []any:
		for _, each := range value {
			noteTwice(each, twice)
		}
	}
}
