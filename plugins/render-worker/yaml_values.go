package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	yaml2 "go.yaml.in/yaml/v2"
)

// Values of YAML as JSON has them: go-yaml v2 parses, as it does for sigs.k8s.io/yaml, and what it
// found becomes JSON by the same rules (a test holds the two together). sigs.k8s.io/yaml itself reads
// the first document of a text and drops whatever follows it; here that is an error, because what is
// dropped in silence would be pruned.

var (
	errNotFinite = errors.New("infinity and NaN cannot be written as JSON")
	errBadKey    = errors.New("a key must be text, not a list, mapping, null")
	errMore      = errors.New("something follows the document")
)

// sameTextError is a key that two keys of a mapping become, for example `1` and `"1"`.
type sameTextError struct{ key string }

func (e sameTextError) Error() string { return "two keys become the same text" }

// parse returns what one document holds, with the library's own types; nil when it is empty.
func parse(text []byte, isStrict bool) (found any, err error) {
	decoder := yaml2.NewDecoder(bytes.NewReader(text))
	decoder.SetStrict(isStrict)
	if err = decoder.Decode(&found); err == io.EOF {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var more any
	switch err = decoder.Decode(&more); err {
	case io.EOF:
		return found, nil
	case nil:
		return nil, errMore
	}
	return nil, err
}

// asJSON changes the library's types into those of JSON; numbers become json.Number.
func asJSON(found any) (any, error) {
	switch value := found.(type) {
	case nil, string, bool:
		return value, nil
	case int:
		return json.Number(strconv.Itoa(value)), nil
	case int64:
		return json.Number(strconv.FormatInt(value, 10)), nil
	case uint64:
		return json.Number(strconv.FormatUint(value, 10)), nil
	case float64:
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, errNotFinite
		}
		return json.Number(encodeJSON(value)), nil
	case []any:
		return asJSONList(value)
	case map[any]any:
		return asJSONMapping(value)
	}
	text, err := json.Marshal(found) // a date with an explicit tag
	if err != nil {
		return nil, err
	}
	var value any
	return value, withNumbers(json.NewDecoder(bytes.NewReader(text))).Decode(&value)
}

func asJSONList(items []any) (any, error) {
	list := make([]any, len(items))
	for i, each := range items {
		value, err := asJSON(each)
		if err != nil {
			return nil, err
		}
		list[i] = value
	}
	return list, nil
}

func asJSONMapping(entries map[any]any) (any, error) {
	mapping := make(map[string]any, len(entries))
	for key, each := range entries {
		text, err := keyText(key)
		if err != nil {
			return nil, err
		}
		if _, isThere := mapping[text]; isThere {
			return nil, sameTextError{text}
		}
		if mapping[text], err = asJSON(each); err != nil {
			return nil, err
		}
	}
	return mapping, nil
}

func keyText(key any) (string, error) {
	switch key := key.(type) {
	case string:
		return key, nil
	case bool, int, int64:
		return fmt.Sprint(key), nil
	case float64:
		text := strconv.FormatFloat(key, 'g', -1, 32)
		if special, ok := specialFloats[text]; ok {
			return special, nil
		}
		return text, nil
	}
	return "", errBadKey
}

var specialFloats = map[string]string{"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}
