package main

import (
	"regexp"
	"strings"
)

// Wording makes one sentence of what a library says, without values. Libraries quote what they were
// given: a text in a manifest, a literal of a Secret, a line of a values file. What is in quotes stays
// only when it is a short word or the path of a field; what they show without quotes has a pattern here.

const (
	longestMessage = 600
	longestAddress = 120 // of a name or an address of the input
	longestWord    = 12
)

var (
	quoted    = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\B'[^'\n]*'\B`)
	shortWord = regexp.MustCompile(`^[\w./:@ \[\]{},-]*$`)
	// The segments of a token are longer than those of a field's path.
	fieldPath = regexp.MustCompile(`^/?[A-Za-z_][\w-]{0,23}(?:[./][\w\[\]*-]{1,24})+$`)
	spaces    = regexp.MustCompile(`\s+`)
	address   = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"'\]]+`)
	userInfo  = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9+.-]*://)[^/@]*@`)
)

// unquoted is what libraries show of values without quotes, and what is left of it.
var unquoted = []struct {
	pattern *regexp.Regexp
	left    string
}{
	{regexp.MustCompile("(?s) ?(?:with config: )?`[^`]*`"), ""},                                             // YAML, regular expressions, plugins
	{regexp.MustCompile(`(?s)value: \{.*\}`), "value: {…}"},                                                 // kyaml
	{regexp.MustCompile(`(?s)\bmap\[[^\s\]]*:.*\]`), "a mapping"},                                           // Go's own writing
	{regexp.MustCompile(`\[[^\[\]]*[=:"' ][^\[\]]*\]`), "[…]"},                                              // lists of literals
	{regexp.MustCompile(`((?:literal|file|env) sources?(?: files?)?):? (?:\[[^\]]*\]|…|[^\s,:"']+)`), "$1"}, // generators
	{regexp.MustCompile(`(?s):? ?%!\w\(.*\)`), ""},                                                          // fmt, of what has another type than was thought
	{regexp.MustCompile(`(?s)(error parsing ip): .*`), "$1"},
	{regexp.MustCompile(`(?s):? node contents:.*`), ""},
	{regexp.MustCompile(`(?s)(is out of bounds) for value .*`), "$1"},
	{regexp.MustCompile(`(?s)Unexpected kind: .*`), "a patch has an operation that JSON Patch does not know"},
	{regexp.MustCompile(`(?s)(range can't iterate over|improper constraint:?) .*`), "$1 this value"},
	{regexp.MustCompile(`cannot unmarshal number \S+ into`), "cannot unmarshal a number into"},
}

func oneSentence(text string) string {
	for _, each := range unquoted {
		text = each.pattern.ReplaceAllString(text, each.left)
	}
	text = quoted.ReplaceAllStringFunc(text, withoutValue)
	text = address.ReplaceAllStringFunc(text, withoutUser)
	text = strings.Trim(spaces.ReplaceAllString(text, " "), " .:")
	return limited(text, longestMessage)
}

func withoutValue(text string) string {
	inner := text[1 : len(text)-1]
	isShort := len(inner) <= longestWord && (shortWord.MatchString(inner) || len(inner) == 1)
	if isShort || fieldPath.MatchString(inner) {
		return text
	}
	return text[:1] + "…" + text[len(text)-1:]
}

func limited(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// short is a word of the input, cut to where it is no more than that.
func short(text string) string { return limited(text, 2*longestWord) }

// withoutUser is an address without what may be a password.
func withoutUser(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return limited(userInfo.ReplaceAllString(address, "$1"), longestAddress)
}
