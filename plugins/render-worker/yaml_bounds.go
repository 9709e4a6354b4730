package main

import (
	"bytes"
	"math"
	"regexp"

	yaml3 "sigs.k8s.io/yaml/goyaml.v3"
)

// Bounds on YAML that a parser does not have: how deep values are nested, and how many values the
// aliases of a document stand for. A few hundred bytes of aliases can stand for 10^9 values.

const (
	deepest     = 100
	mostAliased = 100_000
)

var (
	anchor = regexp.MustCompile(`(?:^|[\s\[{,:])&[^\s,\[\]{}]`)
	alias  = regexp.MustCompile(`(?:^|[\s\[{,:])\*[^\s,\[\]{}]`)
)

func tooDeep(file string, line int) *failure {
	return budgetExceeded("%s:%d: nested deeper than %d levels", file, line, deepest)
}

// deeperThan tells whether mappings and lists are nested more than `levels` deep.
func deeperThan(value any, levels int) bool {
	switch collection := value.(type) {
	case map[string]any:
		for _, each := range collection {
			if levels == 0 || deeperThan(each, levels-1) {
				return true
			}
		}
		return levels == 0
	case []any:
		for _, each := range collection {
			if levels == 0 || deeperThan(each, levels-1) {
				return true
			}
		}
		return levels == 0
	}
	return false
}

// lineOfDepth is the line where brackets are first open too deep, or 0: a text that is cut off in
// there is no YAML, but depth is what is wrong with it.
func lineOfDepth(part streamPart) int {
	open, line := 0, part.line
	for _, char := range part.text {
		switch char {
		case '\n':
			line++
		case '[', '{':
			if open++; open > deepest {
				return line
			}
		case ']', '}':
			open--
		}
	}
	return 0
}

// checkAliases counts the values that aliases stand for, without making any of them.
func checkAliases(part streamPart, file string) error {
	if !bytes.ContainsRune(part.text, '*') || !anchor.Match(part.text) || !alias.Match(part.text) {
		return nil // most texts have both signs in prose only
	}
	var root yaml3.Node
	if yaml3.Unmarshal(part.text, &root) != nil {
		return nil // not YAML: reading it will say so
	}
	counter := aliasCounter{sizes: map[*yaml3.Node]float64{}}
	counter.size(&root)
	if counter.aliased > mostAliased {
		return budgetExceeded("%s:%d: aliases stand for more than %d values", file, part.line+counter.line-1, mostAliased).
			then("write the values out")
	}
	return nil
}

// aliasCounter counts in floats: they do not overflow.
type aliasCounter struct {
	sizes   map[*yaml3.Node]float64
	aliased float64
	line    int // where the count passed the bound
}

func (c *aliasCounter) size(node *yaml3.Node) float64 {
	if node.Kind == yaml3.AliasNode {
		size, isWhole := c.sizes[node.Alias]
		if !isWhole {
			return math.Inf(1) // contains itself: reading it says so
		}
		c.aliased += size
		if c.aliased > mostAliased && c.line == 0 {
			c.line = node.Line
		}
		return size
	}
	size := 1.0
	for _, each := range node.Content {
		size += c.size(each)
	}
	c.sizes[node] = size
	return size
}
