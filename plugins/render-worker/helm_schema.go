package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// values.schema.json: Helm checks values against it. A schema may name other schemas by URL, which
// Helm would fetch; here they are refused by name.

func refuseRemoteSchemas(loaded *chart.Chart) error {
	if loaded.Schema != nil {
		var schema any
		if json.Unmarshal(loaded.Schema, &schema) == nil {
			// A schema with an $id may name its own parts by address; nothing else is there to be named.
			hasOwn := bytes.Contains(loaded.Schema, []byte(`"$id"`))
			if reference := foreignReference(schema, hasOwn); reference != "" {
				return invalidSource("values.schema.json of chart %s: $ref names %s, and Shoal fetches nothing while rendering",
					loaded.Name(), limited(withoutUser(reference), longestAddress)).
					then("write the definitions into the schema")
			}
		}
	}
	for _, each := range loaded.Dependencies() {
		if err := refuseRemoteSchemas(each); err != nil {
			return err
		}
	}
	return nil
}

// The dialects of JSON Schema are built into the library.
var builtInSchema = regexp.MustCompile(`^https?://json-schema\.org/`)

func foreignReference(schema any, hasOwn bool) string {
	switch node := schema.(type) {
	case map[string]any:
		for key, value := range node {
			text, isText := value.(string)
			isReference := key == "$ref" || key == "$dynamicRef" || key == "$recursiveRef" || key == "$schema"
			if isText && isReference && leadsElsewhere(text, hasOwn) && !builtInSchema.MatchString(text) {
				return text
			}
			if found := foreignReference(value, hasOwn); found != "" {
				return found
			}
		}
	case []any:
		for _, each := range node {
			if found := foreignReference(each, hasOwn); found != "" {
				return found
			}
		}
	}
	return ""
}

func leadsElsewhere(reference string, hasOwn bool) bool {
	isAddress := strings.HasPrefix(reference, "http:") || strings.HasPrefix(reference, "https:")
	isFile := strings.HasPrefix(reference, "file:")
	isInside := strings.HasPrefix(reference, "#") || strings.HasPrefix(reference, "urn:")
	return isFile || (isAddress || !isInside) && !hasOwn
}

var (
	schemaAt    = regexp.MustCompile(`^\s*- at '([^']*)': (.*)$`)
	schemaChart = regexp.MustCompile(`^(\S+):$`)
	schemaValue = regexp.MustCompile(`'[^\n]*' (does not match pattern|is not valid)`)
)

// explainSchema names chart, field and rule of each problem; never the value.
func explainSchema(err error) *failure {
	text := err.Error()
	if !strings.Contains(text, "specifications of the schema") {
		return invalidManifest("the values cannot be merged: %s", oneSentence(text))
	}
	if strings.Contains(text, "is not valid against metaschema") {
		return invalidManifest("values.schema.json is no valid JSON Schema: %s", strings.Join(schemaProblems(text), "; "))
	}
	problems := schemaProblems(text)
	if problems == nil {
		return invalidManifest("values.schema.json: %s", oneSentence(text[strings.Index(text, "\n")+1:]))
	}
	return invalidManifest("the values do not fit values.schema.json: %s",
		limited(strings.Join(problems, "; "), longestMessage))
}

func schemaProblems(text string) []string {
	var problems []string
	name := ""
	for _, line := range strings.Split(text, "\n")[1:] {
		if found := schemaChart.FindStringSubmatch(line); found != nil {
			name = found[1]
		} else if found := schemaAt.FindStringSubmatch(line); found != nil {
			if strings.HasSuffix(found[2], "failed") {
				continue // the reasons follow
			}
			rule := schemaValue.ReplaceAllString(found[2], "the value $1")
			problems = append(problems, "chart "+name+", "+fieldOf(found[1])+": "+limited(rule, longestAddress))
		}
	}
	return problems
}

func fieldOf(pointer string) string {
	if pointer == "" {
		return "at the top"
	}
	return "field " + strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", ".")
}
