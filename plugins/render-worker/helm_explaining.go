package main

import (
	"errors"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/yaml"
)

// What Helm says is wrong with a template, as one sentence that begins with file and line. Helm's text
// is a chain of places from the outermost template to the innermost; the innermost is where to look.

var (
	templatePlace = regexp.MustCompile(`([^\s"'()<>]+/templates/[^\s"'():<>]+|gotpl):(\d+)(?::\d+)?`)
	noise         = regexp.MustCompile(`(?:error calling (?:include|tpl|template|lookup): )|(?:template: \S+: )|(?:executing "[^"]*" at <[^\n]*?>: ?)|` +
		`(?:(?:parse|execution) error (?:at|in) \([^)]*\): )|(?:error during tpl function execution for "(?:[^"\\]|\\.)*": )|` +
		`(?:cannot parse template "(?:[^"\\]|\\.)*": )`)
	noTemplate   = regexp.MustCompile(`^(?:template: )?no template "([^"]{1,100})" associated with template "gotpl"$`)
	templateName = regexp.MustCompile(`(template|function|define) "([\w./ -]{1,100})"`)
)

// explainChart finds the file that Helm could not load: its error has no line of it.
func explainChart(files chartFiles, err error) *failure {
	for _, file := range files {
		name := shown(file.Name)
		switch path.Base(name) {
		case "Chart.yaml", "Chart.lock", "values.yaml", "requirements.yaml", "requirements.lock":
		default:
			continue
		}
		documents, told := readYAML(file.Data, name, lastHolds, defaultBudget)
		if told != nil {
			return asFailure(told)
		}
		for _, document := range documents {
			if _, isMapping := document.value.(map[string]any); !isMapping {
				return invalidManifest("%s: expected a mapping", document.origin())
			}
		}
	}
	text := strings.ReplaceAll(err.Error(), unpackedMark, "")
	return invalidManifest("the chart cannot be loaded: %s", oneSentence(text))
}

func (r *helmRender) explainTemplate(err error) *failure {
	text := err.Error()
	places := templatePlace.FindAllStringSubmatch(text, -1)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	message := lines[len(lines)-1]
	if strings.HasPrefix(text, "execution error at") {
		message = text // what `fail` and `required` say may have several lines
	}
	message = noise.ReplaceAllString(message, "")
	message = noTemplate.ReplaceAllString(message, "there is no template $1")
	message = templateName.ReplaceAllString(message, "$1 $2")
	message = oneSentence(templatePlace.ReplaceAllString(message, ""))
	if places == nil {
		return invalidManifest("the chart's templates: %s", message)
	}
	inner, outer := "", r.inFolder(places[0][1])+":"+places[0][2]
	isInText := false
	for _, place := range slices.Backward(places) {
		if place[1] == "gotpl" {
			isInText = inner == ""
			continue
		}
		inner = r.inFolder(place[1]) + ":" + place[2]
		break
	}
	if inner == "" {
		return invalidManifest("the chart's templates: %s (in a text given to tpl)", message)
	}
	if isInText {
		message += " (in a text given to tpl)"
	}
	if outer != inner && places[0][1] != "gotpl" {
		message += " (reached from " + outer + ")"
	}
	return invalidManifest("%s: %s", inner, message)
}

// explainManifests finds the file whose output is no YAML: Helm's error has no line of it.
func (r *helmRender) explainManifests(files map[string]string, err error) *failure {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		documents := releaseutil.SplitManifests(files[name])
		for _, key := range slices.Sorted(maps.Keys(documents)) {
			part := streamPart{[]byte(documents[key]), 1}
			if _, told := readDocument(part, r.inFolder(name), lastHolds); told != nil {
				return inOutputOf(told, r.inFolder(name))
			}
			var head releaseutil.SimpleHead
			if yaml.Unmarshal(part.text, &head) != nil {
				return invalidManifest("%s: what it renders is not a Kubernetes manifest: apiVersion, kind, name "+
					"and annotations must be text", r.inFolder(name))
			}
		}
	}
	return invalidManifest("the chart renders no valid manifests: %s", oneSentence(err.Error()))
}

// inOutputOf tells that a line is one of a rendered text, not of the template.
func inOutputOf(err error, file string) *failure {
	told, ok := errors.AsType[*failure](err)
	if !ok {
		return asFailure(err)
	}
	place, message, _ := strings.Cut(strings.TrimPrefix(told.Message, file+":"), ": ")
	told.Message = file + ": line " + place + " of an object that it renders: " + message
	return told
}
