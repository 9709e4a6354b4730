package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"

	yaml2 "go.yaml.in/yaml/v2"
	"sigs.k8s.io/yaml"
)

// Go's decoder of streams and sigs.k8s.io/yaml are what our reading of documents must equal.

var oddTexts = []string{
	"a: yes", "a: 0644", "a: 0o14", "a: 1:30", "a: 1e3", "a: 1.0", "a: 1_000", "a: 0x1F", "a: 0b11", "a: -.5",
	"a: 18446744073709551615", "a: 18446744073709551616", "a: -9223372036854775808", "a: 9007199254740993",
	"a: 1e21", "a: 1e-7", "a: 123456789.123456789", "a: 2001-01-01", "a: !!timestamp 2001-01-01", "a: ~",
	"a: !!str 5", "a: !!binary aGk=", "a: !!float 1", "1: a", "1.5: a", "true: a", "yes: a", "'1': a",
	"a: &x {b: 1}\nc: *x", "a: &x {b: 1}\nc: {<<: *x, d: 2}", "a: |\n  x\n\n  y\n", "a: >-\n  x\n  y\n",
	"a: \"\\u00e9\\n\"", "a: [1, [2, {b: 3}]]", "- a\n- b", "text", "5", "a: <&>", "{a: 1}", "\ta: 1", "a: .inf",
	"~: a", "[a]: b", "!!int x: y", "a: *none", "a: b: c", "a: 'x", "a: @x", "a: 1e400", "a: 1\nb: c\n ]",
}

func TestValuesAreThoseOfKubernetes(t *testing.T) {
	for _, text := range oddTexts {
		wanted, wantedErr := yaml.YAMLToJSON([]byte(text))
		value, err := readDocument(streamPart{[]byte(text), 1}, "a.yaml", lastHolds)
		if (err == nil) != (wantedErr == nil) {
			t.Errorf("%q: refused with %v, Kubernetes with %v", text, err, wantedErr)
			continue
		}
		got, _ := json.Marshal(value)
		if err == nil && !bytes.Equal(got, wanted) {
			t.Errorf("%q is %s, Kubernetes' %s", text, got, wanted)
		}
	}
}

func FuzzStreamsAreThoseOfTheLibrary(f *testing.F) {
	for _, text := range oddTexts {
		f.Add(text)
		f.Add("# c\n---\n" + text + "\n---\n" + text + "\n...\n")
		f.Add("%YAML 1.1\n---\n" + text + "\n...\n%YAML 1.1\n---\n" + text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		wanted, wantedErr := decodeStream(text)
		documents, err := readYAML([]byte(text), "a.yaml", lastHolds, defaultBudget)
		if err != nil {
			// We refuse more: bad UTF-8, depth, keys of the same text.
			told, ok := errors.AsType[*failure](err)
			if !ok || wantedErr == nil && told.Kind == "InvalidManifest" && isOurs(told.Message) {
				return
			}
			if wantedErr == nil {
				t.Fatalf("%q is refused: %v", text, err)
			}
			return
		}
		if wantedErr != nil {
			t.Fatalf("%q is read, though %v", text, wantedErr)
		}
		got, _ := json.Marshal(valuesOf(documents))
		want, _ := json.Marshal(wanted)
		if !bytes.Equal(got, want) {
			t.Fatalf("%q is %s, the library's %s", text, got, want)
		}
	})
}

func isOurs(message string) bool {
	for _, each := range []string{"not UTF-8", "stands here twice", "a key must be text", "NaN", "nested deeper"} {
		if bytes.Contains([]byte(message), []byte(each)) {
			return true
		}
	}
	return false
}

func decodeStream(text string) ([]any, error) {
	decoder := yaml2.NewDecoder(bytes.NewReader(bytes.TrimPrefix([]byte(text), byteOrderMark)))
	values := []any{}
	for {
		var found any
		if err := decoder.Decode(&found); err == io.EOF {
			return values, nil
		} else if err != nil {
			return nil, err
		}
		value, err := asJSON(found)
		if err != nil {
			return nil, err
		}
		if value != nil {
			values = append(values, value)
		}
	}
}

func valuesOf(documents []document) []any {
	values := []any{}
	for _, each := range documents {
		values = append(values, each.value)
	}
	return values
}

func TestDocumentsKnowTheirLines(t *testing.T) {
	text := "# about\n---\na: 1\n--- # again\n\n# more\nb: 2\n...\n%YAML 1.1\n---\n\nc: 3\n--- d\n"
	documents, err := readYAML([]byte(text), "a.yaml", refuseDoubles, defaultBudget)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range []int{3, 7, 12, 13} {
		if documents[i].line != line {
			t.Errorf("document %d is at line %d, not %d", i, documents[i].line, line)
		}
	}
}

func TestAKeyThatOverridesAMergedOneIsNoDouble(t *testing.T) {
	text := "a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  x: 3\n"
	if _, err := readYAML([]byte(text), "a.yaml", refuseDoubles, defaultBudget); err != nil {
		t.Error(err)
	}
}
