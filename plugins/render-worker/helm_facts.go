package main

import (
	"bytes"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
)

// What a chart may know of its cluster: `.Capabilities`. Facts are asked for only when a text of the
// chart or of its values names them, because the controller renders anew when a fact that was asked
// for changes. A use that does not say which part it wants asks for both.

const (
	versionFact = "kubernetesVersion"
	groupsFact  = "apiVersions"
)

func askCapabilities(asker *asker, loaded *chart.Chart, texts [][]byte) (*common.Capabilities, error) {
	wantsVersion, wantsGroups := mentioned(texts)
	constraint := loaded.Metadata.KubeVersion
	capabilities := common.DefaultCapabilities.Copy()
	var names []string
	if wantsVersion || constraint != "" {
		names = append(names, versionFact)
	}
	if wantsGroups {
		names = append(names, groupsFact)
	}
	if names == nil {
		return capabilities, nil
	}
	facts := asker.facts(names...)
	if facts.KubernetesVersion != nil {
		parsed, err := common.ParseKubeVersion(*facts.KubernetesVersion)
		if err != nil {
			return nil, invalidSource("the cluster's version %s is none that Helm understands", short(*facts.KubernetesVersion))
		}
		capabilities.KubeVersion = *parsed
	}
	if facts.APIVersions != nil {
		// The cluster's own list, as `helm install` takes it; `helm template` would add it to all that
		// Helm ever heard of, and charts would choose APIs that the cluster does not serve.
		capabilities.APIVersions = facts.APIVersions
	}
	if constraint != "" && !chartutil.IsCompatibleRange(constraint, capabilities.KubeVersion.String()) {
		return nil, invalidManifest("Chart.yaml: the chart requires Kubernetes %s, which %s is not",
			limited(constraint, longestAddress), capabilities.KubeVersion.Version)
	}
	return capabilities, nil
}

// mentioned says which facts the texts name.
func mentioned(texts [][]byte) (version, groups bool) {
	word := []byte("Capabilities")
	for _, text := range texts {
		for {
			at := bytes.Index(text, word)
			if at < 0 {
				break
			}
			text = text[at+len(word):]
			switch {
			case bytes.HasPrefix(text, []byte(".KubeVersion")):
				version = true
			case bytes.HasPrefix(text, []byte(".APIVersions")):
				groups = true
			case !bytes.HasPrefix(text, []byte(".HelmVersion")):
				version, groups = true, true
			}
		}
	}
	return version, groups
}
