package main

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// What the YAML library says is wrong, as a sentence with the file and the line in it. The library's
// lines are those of the part it was given, and its parser (not its scanner) names the line before.

var (
	yamlPrefix   = regexp.MustCompile(`^(?:error converting YAML to JSON: |yaml: )+`)
	yamlLine     = regexp.MustCompile(`^line (\d+): `)
	duplicateKey = regexp.MustCompile(`line (\d+): key (.*) already set in map`)
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
	if twice := duplicateKey.FindAllStringSubmatch(text, -1); twice != nil {
		return explainDuplicates(twice, part, file)
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

func explainDuplicates(twice [][]string, part streamPart, file string) *failure {
	sentences := make([]string, len(twice))
	for i, each := range twice {
		number, _ := strconv.Atoi(each[1])
		key, err := strconv.Unquote(each[2])
		if err != nil {
			key = each[2]
		}
		sentences[i] = file + ":" + strconv.Itoa(part.line+number-1) + ": the key " + key + " stands here twice"
	}
	return invalidManifest("%s", limited(strings.Join(sentences, "; "), longestMessage))
}

func yamlMessage(text string) string {
	switch {
	case strings.HasPrefix(text, "unsupported map key"), strings.HasPrefix(text, "invalid map key"):
		return "a key must be text, not a list, mapping, null"
	case strings.Contains(text, "unsupported value: NaN"), strings.Contains(text, "unsupported value: +Inf"),
		strings.Contains(text, "unsupported value: -Inf"):
		return "infinity and NaN cannot be written as JSON"
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
