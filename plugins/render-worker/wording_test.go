package main

import (
	"strings"
	"testing"
)

func TestNothingThatIsToldHoldsAValue(t *testing.T) {
	const secret = "canary-5f1dZ9-0123456789"
	for _, text := range []string{
		`strconv.Atoi: parsing "` + secret + `": invalid syntax`,
		"cannot decode !!str `" + secret[:10] + "` as a !!int",
		"loading KV pairs: literal sources [password=" + secret + "]: invalid literal source " + secret + ", expected key=value",
		"loading KV pairs: literal sources [" + secret + "]: invalid literal source " + secret + ", expected key=value",
		"file sources: [a=https://user:" + secret + "@example.com/x?token=" + secret + "]: no",
		"trouble configuring builtin X with config: `\npatch: '" + secret + "'\n`: unable to parse",
		"wrong Node Kind for spec expected: MappingNode was ScalarNode: value: {" + secret + "}",
		"wrong Node Kind for spec expected: MappingNode was ScalarNode: value: {a: {b: " + secret + "}}",
		"range can't iterate over " + secret,
		"range can't iterate over map[a:" + secret + "]",
		"improper constraint: " + secret,
		"type mismatch on s: %!t(string=" + secret + ")",
		"error parsing ip: " + secret,
		"wrong node kind: expected MappingNode but got ScalarNode: node contents:\n" + secret + "\nb: " + secret,
		"options.index 9 is out of bounds for value " + secret,
		"Unexpected kind: " + secret,
		`unable to cast map[string]interface {}{"a":"` + secret + `"} of type map[string]interface {} to int64`,
		"error parsing regexp: missing closing ): `(" + secret + "`",
		"unknown anchor '" + secret + "' referenced",
		"Get \"https://user:" + secret + "@example.com/?t=" + secret + "\": out of reach",
		"json: cannot unmarshal number 49152637485960 into Go value of type string",
		`cannot parse template "{{ ` + secret + `": unclosed action`,
	} {
		told := oneSentence(text)
		if strings.Contains(told, "canary") || strings.Contains(told, "5f1d") || strings.Contains(told, "4915") {
			t.Errorf("%q tells %q", text, told)
		}
	}
}

func TestNamesAndFieldsAreTold(t *testing.T) {
	for _, text := range []string{
		`unable to find field "spec.template.spec.containers.[name=web].image" in replacement target`,
		"did not find expected ',' or ']'",
		"can't evaluate field foo in type interface {}",
		`function "env" not defined`,
		"missing property 'image'",
		"no matches for Id Deployment.v1.apps/nope.[noNs]",
	} {
		if told := oneSentence(text); told != text && !strings.Contains(text, "[name=web]") {
			t.Errorf("%q became %q", text, told)
		}
	}
}
