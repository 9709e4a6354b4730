package main

import (
	"regexp"
	"strings"
)

// Wording makes one sentence of what a library says, without values: texts in quotes that are longer
// than a name could be are left out, for they may come from manifests or values files.

const (
	longestMessage = 600
	longestQuoted  = 24
	shortestValue  = 3 // signs like `[` and `':'`, which say what was expected
)

var (
	quoted    = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\B'[^'\n]*'\B`)
	spaces    = regexp.MustCompile(`\s+`)
	looksFine = regexp.MustCompile(`^[\w./:@ \[\]-]*$`)
)

func oneSentence(text string) string {
	text = quoted.ReplaceAllStringFunc(text, withoutValue)
	text = strings.Trim(spaces.ReplaceAllString(text, " "), " .:")
	return limited(text, longestMessage)
}

func withoutValue(text string) string {
	inner := text[1 : len(text)-1]
	if len(inner) <= longestQuoted && looksFine.MatchString(inner) || len(inner) <= shortestValue {
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

// short is a word of the input, cut to where it can be no secret.
func short(text string) string { return limited(text, longestQuoted) }

// longestAddress is how much of an address or a name of the input is told.
const longestAddress = 120

var userInfo = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9+.-]*://)[^/@]*@`)

// withoutUser is an address without what may be a password.
func withoutUser(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return limited(userInfo.ReplaceAllString(address, "$1"), longestAddress)
}
