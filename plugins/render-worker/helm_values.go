package main

import (
	"bytes"
	"encoding/json"
	"regexp"

	"helm.sh/helm/v4/pkg/chart/common"
	chartvalues "helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
)

// The values of a chart: values files in their order, a later one over an earlier one, then the values
// of the application over all of them, as `helm template -f a.yaml -f b.yaml` merges them. A null
// removes a key.

type valueFile struct {
	name    string
	content []byte
}

var remoteValueFile = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*://`)

// valueFilePaths are the paths in the source; names may lead out of the application's folder.
func valueFilePaths(root string, names []string) ([]string, error) {
	paths := make([]string, len(names))
	for i, name := range names {
		if remoteValueFile.MatchString(name) {
			return nil, invalidSource("the values file %s is remote, and Shoal fetches nothing while rendering", withoutUser(name)).
				then("commit the file beside the chart")
		}
		joined, ok := below(root, name)
		if !ok {
			return nil, invalidSource("the values file %s leads out of the source", limited(name, longestAddress))
		}
		paths[i] = joined
	}
	return paths, nil
}

func pickValueFiles(parameters helmParameters, contents [][]byte) ([]valueFile, error) {
	var files []valueFile
	for i, content := range contents {
		name := parameters.ValueFiles[i]
		if content == nil {
			if parameters.WhenValueFileMissing == "Ignore" {
				continue
			}
			return nil, invalidSource("the values file %s does not exist", name).
				then("correct valueFiles, or set whenValueFileMissing: Ignore")
		}
		files = append(files, valueFile{name, content})
	}
	return files, nil
}

func mergeValues(files []valueFile, inline map[string]any) (map[string]any, error) {
	merged := map[string]any{}
	for _, file := range files {
		values, err := loader.LoadValues(bytes.NewReader(file.content))
		if err != nil {
			return nil, explainValues(err, file)
		}
		merged = loader.MergeMaps(merged, values)
	}
	return loader.MergeMaps(merged, inline), nil
}

// explainValues finds the line by reading the file as a stream of documents, as manifests are read.
func explainValues(err error, file valueFile) *failure {
	if _, told := readYAML(file.content, file.name, lastHolds, defaultBudget); told != nil {
		return asFailure(told)
	}
	return invalidManifest("%s: the values are not a mapping", file.name)
}

// renderValues are fresh values for one run of the templates, which may change them.
func (r *helmRender) renderValues() (common.Values, error) {
	if err := refuseRemoteSchemas(r.chart); err != nil {
		return nil, err
	}
	release := common.ReleaseOptions{
		Name: r.parameters.ReleaseName, Namespace: r.parameters.Namespace, Revision: 1, IsInstall: true,
	}
	values, err := chartvalues.ToRenderValues(r.chart, r.values, release, r.capabilities)
	if err != nil {
		return nil, explainSchema(err)
	}
	return values, nil
}

// texts are all texts in which a template could stand.
func texts(files chartFiles, values []valueFile, inline map[string]any) [][]byte {
	var found [][]byte
	for _, file := range files {
		if !isProse(file.Name) {
			found = append(found, file.Data)
		}
	}
	for _, file := range values {
		found = append(found, file.content)
	}
	if text, err := json.Marshal(inline); err == nil {
		found = append(found, text)
	}
	return found
}

var prose = regexp.MustCompile(`(?i)(?:\.md|\.prov|\.tgz|(?:^|/)(?:LICENSE|README)[^/]*|(?:^|/)crds/.*)$`)

func isProse(name string) bool { return prose.MatchString(name) }
