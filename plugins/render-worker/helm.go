package main

import (
	"encoding/json"
	"path"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

// helm: what `helm template --include-crds --no-hooks` prints, object by object and in its order, made
// by Helm's own chart loader, values and engine. What differs on purpose: hooks that Helm would run
// are refused instead of left out (helm_hooks.go), output that is never the same twice is refused
// (helm_unsteady.go), and there is no cluster to look anything up in.

type helmParameters struct {
	ReleaseName          string         `json:"releaseName"`
	Namespace            string         `json:"namespace"`
	ValueFiles           []string       `json:"valueFiles"`
	WhenValueFileMissing string         `json:"whenValueFileMissing"`
	Values               map[string]any `json:"values"`
	CRDs                 string         `json:"crds"`
	Hooks                string         `json:"hooks"`
}

// helmRender is one chart with its values, ready to be rendered.
type helmRender struct {
	parameters   helmParameters
	files        chartFiles
	chart        *chart.Chart
	values       map[string]any
	capabilities *common.Capabilities
}

// rendered is an object of a chart on its way to the output.
type rendered struct {
	value  any
	origin string
}

func renderHelm(made *output, asker *asker, asked request) error {
	var parameters helmParameters
	if err := json.Unmarshal(asked.Parameters, &parameters); err != nil {
		return invalidSource("the parameters of helm are not as agreed")
	}
	if err := chartutil.ValidateReleaseName(parameters.ReleaseName); err != nil {
		return invalidSource("the release name %s is none that Helm takes: at most 53 lower-case letters, digits, `-` and `.`",
			short(parameters.ReleaseName)).then("set releaseName")
	}
	render, err := readHelm(asker, asked, parameters)
	if err != nil {
		return err
	}
	if err := chartutil.ProcessDependencies(render.chart, render.values); err != nil {
		return invalidManifest("Chart.yaml: the dependencies cannot be processed: %s", oneSentence(err.Error()))
	}
	objects, err := render.steadily(made.budget)
	if err != nil {
		return err
	}
	for _, object := range objects {
		if err := made.add(object.value, object.origin); err != nil {
			return err
		}
	}
	return nil
}

// readHelm asks for everything the render needs, in three conversations at most.
func readHelm(asker *asker, asked request, parameters helmParameters) (*helmRender, error) {
	files, valueFiles, err := readChart(asker, asked, parameters)
	if err != nil {
		return nil, err
	}
	loaded, err := loadChart(files)
	if err != nil {
		return nil, err
	}
	values, err := mergeValues(valueFiles, parameters.Values)
	if err != nil {
		return nil, err
	}
	capabilities, err := askCapabilities(asker, loaded, texts(files, valueFiles, parameters.Values))
	if err != nil {
		return nil, err
	}
	return &helmRender{parameters, files, loaded, values, capabilities}, nil
}

// once renders the chart one time: CRDs first, then all objects by Helm's order of kinds.
func (r *helmRender) once(witness *witness, allowed budget) ([]rendered, error) {
	values, err := r.renderValues()
	if err != nil {
		return nil, err
	}
	files, err := r.execute(values, witness)
	if err != nil {
		return nil, err
	}
	if err := r.refuseTooMuch(files, allowed); err != nil {
		return nil, err
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, r.explainManifests(files, err)
	}
	if err := r.refuseHooks(hooks); err != nil {
		return nil, err
	}
	objects, err := r.crds(allowed)
	if err != nil {
		return nil, err
	}
	for _, manifest := range manifests {
		value, err := r.readManifest(manifest)
		if err != nil {
			return nil, err
		}
		if value != nil {
			objects = append(objects, rendered{value, r.inFolder(manifest.Name)})
		}
	}
	return objects, nil
}

// readManifest reads one rendered object by Helm's own rules: where a key stands twice, the last one
// holds. Charts are seldom written by those who use them, and many public ones have such keys.
// refuseTooMuch takes the notes away and keeps the budget, before a million documents are sorted.
func (r *helmRender) refuseTooMuch(files map[string]string, allowed budget) error {
	size, documents := 0, 0
	for name, text := range files {
		if path.Base(name) == "NOTES.txt" {
			delete(files, name)
			continue
		}
		if size += len(text); size > allowed.OutputBytes {
			return tooLarge(r.inFolder(name), allowed)
		}
		if documents += strings.Count(text, "\n---"); documents > allowed.Documents {
			return budgetExceeded("%s: the chart renders to more than %d documents", r.inFolder(name), allowed.Documents).
				then("divide the application")
		}
	}
	return nil
}

func (r *helmRender) readManifest(manifest releaseutil.Manifest) (any, error) {
	part := streamPart{[]byte(manifest.Content), 1}
	value, err := readDocument(part, r.inFolder(manifest.Name), lastHolds)
	if err != nil {
		return nil, inOutputOf(err, r.inFolder(manifest.Name))
	}
	return value, nil
}

// crds returns what stands in `crds/`, which Helm does not take for templates.
func (r *helmRender) crds(allowed budget) ([]rendered, error) {
	if r.parameters.CRDs == "Skip" {
		return nil, nil
	}
	var objects []rendered
	for _, crd := range r.chart.CRDObjects() {
		documents, err := readYAML(crd.File.Data, r.inFolder(crd.Filename), lastHolds, allowed)
		if err != nil {
			return nil, err
		}
		for _, document := range documents {
			objects = append(objects, rendered{document.value, document.origin()})
		}
	}
	return objects, nil
}

// inFolder makes Helm's name of a file, which begins with the chart's name, relative to the folder.
func (r *helmRender) inFolder(name string) string {
	return strings.ReplaceAll(strings.TrimPrefix(name, r.chart.Name()+"/"), unpackedMark, "")
}
