package main

import (
	"bytes"
	"encoding/json"
	"path"

	"sigs.k8s.io/kustomize/api/krusty"
)

// kustomize: what `kustomize build` prints with its default load restrictions and without plugins, made
// by Kustomize's own library over a file system of asks (kustomize_files.go). Before it builds, every
// kustomization that it will read is looked at (kustomize_survey.go): what is remote is refused by name,
// because Kustomize would run git for it whatever its restrictions are.

func renderKustomize(made *output, asker *asker, asked request) error {
	files := newSourceFiles(asker)
	survey := newSurvey(files, asked.Root, asked.Budget)
	defer survey.forgetSchemas()
	if err := survey.run(); err != nil {
		return err
	}
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified // as the command does: the kustomization says it
	built, err := krusty.MakeKustomizer(options).Run(files, mounted(asked.Root))
	if err != nil {
		return survey.explain(err)
	}
	origin := path.Base(survey.kustomizations[asked.Root].file)
	for _, resource := range built.Resources() {
		text, err := resource.MarshalJSON()
		if err != nil {
			return survey.explain(err)
		}
		var value any
		if err := withNumbers(json.NewDecoder(bytes.NewReader(text))).Decode(&value); err != nil {
			return survey.explain(err)
		}
		if deeperThan(value, deepest) {
			return budgetExceeded("%s: %s is nested deeper than %d levels", origin, nameOf(value), deepest)
		}
		if err := made.add(value, origin); err != nil {
			return err
		}
	}
	return nil
}
