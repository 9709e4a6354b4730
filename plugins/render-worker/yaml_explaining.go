package main

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// What the YAML library says is wrong, as a sentence with the file and the line in it. The library's
// lines are those of the part it was given, and its parser (not its scanner) names the line before.

var (
	yamlPrefix   = regexp.MustCompile(`^yaml: (?:unmarshal errors:\s+)?`)
	yamlLine     = regexp.MustCompile(`^line (\d+): `)
	duplicateKey = regexp.MustCompile(`already set in (?:map|type)`)
	tabIndent    = regexp.MustCompile(`^ *\t`)
)

var yamlNextSteps = map[string]string{
	"mapping values are not allowed in this context": "indent it like its neighbours, " +
		"or quote the value if it holds a colon",
	"could not find expected ':'":                   "every line of a mapping reads `key: value`",
	"found character that cannot start any token":   "quote the value",
	"control characters are not allowed":            "remove it",
	"a tab stands in the indentation":               "use spaces",
	"document contains excessive aliasing":          "write the values out",
	"infinity and NaN cannot be written as JSON":    "quote it if text is meant",
	"a key must be text, not a list, mapping, null": "quote it if text is meant",
}

func explainYAML(err error, part streamPart, file string) *failure {
	text := yamlPrefix.ReplaceAllString(err.Error(), "")
	if same, ok := errors.AsType[sameTextError](err); ok {
		return invalidManifest("%s:%d: the key %s stands here twice, as text and as something else",
			file, part.contentLine(), limited(same.key, longestAddress)).then("quote both, or remove one")
	}
	if line := lineOfDepth(part); line > 0 {
		return tooDeep(file, line)
	}
	line := part.contentLine()
	if found := yamlLine.FindStringSubmatch(text); found != nil {
		number, _ := strconv.Atoi(found[1])
		text = text[len(found[0]):]
		if strings.HasPrefix(text, "did not find expected") {
			number++
		}
		line = part.line + min(number, countLines(part.text)) - 1
	}
	if tab := tabNear(part, line); tab > 0 {
		line, text = tab, "a tab stands in the indentation"
	}
	message := yamlMessage(text)
	return invalidManifest("%s:%d: not valid YAML: %s", file, line, message).then(yamlNextSteps[message])
}

func yamlMessage(text string) string {
	if strings.HasPrefix(text, "invalid map key") {
		return errBadKey.Error() // the library shows it
	}
	return oneSentence(text)
}

// tabNear is the line of a tab in the indentation beside the line of an error, or 0.
func tabNear(part streamPart, line int) int {
	lines := bytes.Split(part.text, []byte("\n"))
	for number := max(part.line, line-1); number <= line+1; number++ {
		if i := number - part.line; i < len(lines) && tabIndent.Match(lines[i]) {
			return number
		}
	}
	return 0
}

func countLines(text []byte) int {
	return bytes.Count(bytes.TrimRight(text, " \t\r\n"), []byte("\n")) + 1
}
