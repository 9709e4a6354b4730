package main

import (
	"errors"
	"text/template"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/engine"
)

// Executing the templates with Helm's engine. What the engine's functions may do is narrowed here:
// `lookup` fails where it is reached, names are not resolved, and functions whose result is not the
// same each time go through the witness.

var errLookup = errors.New("lookup asks a cluster, and Shoal renders without one")

func (r *helmRender) execute(values common.Values, witness *witness) (map[string]string, error) {
	functions := witness.functions()
	functions["lookup"] = func(string, string, string, string) (map[string]any, error) {
		witness.hasLookedUp = true
		return nil, errLookup
	}
	files, err := engine.Engine{CustomTemplateFuncs: template.FuncMap(functions)}.Render(r.chart, values)
	if err == nil {
		return files, nil
	}
	failed := r.explainTemplate(err)
	if witness.hasLookedUp {
		failed.NextStep = "give the chart what it looks up as a value"
	}
	return nil, failed
}
