package main

import (
	"fmt"
	"strings"

	yaml3 "sigs.k8s.io/yaml/goyaml.v3"
)

// Keys that stand twice. The library's strict mode finds them, but it takes a key for doubled that
// overrides one merged by `<<`, which is what merging is for.

// doubledKeys are the keys that stand twice in one mapping as it is written, with the library's lines.
func doubledKeys(part streamPart) []doubledKey {
	var root yaml3.Node
	if yaml3.Unmarshal(part.text, &root) != nil {
		return nil
	}
	var found []doubledKey
	var look func(node *yaml3.Node)
	look = func(node *yaml3.Node) {
		if node.Kind == yaml3.MappingNode {
			seen := map[string]bool{}
			for i := 0; i+1 < len(node.Content); i += 2 {
				key := node.Content[i]
				if key.Kind != yaml3.ScalarNode {
					continue
				}
				if seen[key.Value] {
					found = append(found, doubledKey{key.Value, key.Line})
				}
				seen[key.Value] = true
			}
		}
		for _, each := range node.Content {
			look(each)
		}
	}
	look(&root)
	return found
}

type doubledKey struct {
	key  string
	line int // of the part
}

// doubledError is a refusal by doubledKeys.
type doubledError []doubledKey

func (d doubledError) Error() string { return "a key stands twice" }

func (d doubledError) explain(part streamPart, file string) *failure {
	sentences := make([]string, len(d))
	for i, each := range d {
		sentences[i] = fmt.Sprintf("%s:%d: the key %s stands here twice", file, part.line+each.line-1,
			limited(each.key, longestAddress))
	}
	return invalidManifest("%s", limited(strings.Join(sentences, "; "), longestMessage))
}
