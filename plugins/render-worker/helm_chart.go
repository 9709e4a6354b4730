package main

import (
	"bytes"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"
)

// The chart: which of the folder's files belong to it, and what Helm makes of them. The names of all
// files come in one conversation and their contents, with those of the values files, in another.

type chartFiles []*archive.BufferedFile

// readChart returns the chart's files and the values files, in their order.
func readChart(asker *asker, asked request, parameters helmParameters) (chartFiles, []valueFile, error) {
	wanted, err := valueFilePaths(asked.Root, parameters.ValueFiles)
	if err != nil {
		return nil, nil, err
	}
	names, err := chartNames(asker, asked.Root)
	if err != nil {
		return nil, nil, err
	}
	paths := make([]string, 0, len(names)+len(wanted))
	for _, name := range names {
		paths = append(paths, path.Join(asked.Root, name))
	}
	contents := asker.read(append(paths, wanted...))
	files := make(chartFiles, len(names))
	for i, name := range names {
		if contents[i] == nil {
			return nil, nil, invalidSource("%s is a link that leads nowhere", name)
		}
		files[i] = &archive.BufferedFile{Name: name, Data: bytes.TrimPrefix(contents[i], byteOrderMark)}
	}
	values, err := pickValueFiles(parameters, contents[len(names):])
	if err != nil {
		return nil, nil, err
	}
	files, err = unpackArchives(files, asked.Budget)
	return files, values, err
}

// chartNames are the files below the chart's folder that `.helmignore` leaves.
func chartNames(asker *asker, root string) ([]string, error) {
	entries := asker.walk(root)
	if !slices.ContainsFunc(entries, func(each entry) bool { return each.Name == "Chart.yaml" }) {
		return nil, invalidSource("Chart.yaml is missing: the folder is no Helm chart").
			then("set path to the folder of the chart, or choose another renderer")
	}
	rules := ignore.Empty()
	if slices.ContainsFunc(entries, func(each entry) bool { return each.Name == ignore.HelmIgnore }) {
		text := asker.read([]string{path.Join(root, ignore.HelmIgnore)})[0]
		read, err := ignore.Parse(bytes.NewReader(text))
		if err != nil {
			return nil, invalidManifest(".helmignore: %s", oneSentence(err.Error()))
		}
		rules = read
	}
	rules.AddDefaults()
	return unignored(entries, rules)
}

func unignored(entries []entry, rules *ignore.Rules) ([]string, error) {
	var names []string
	skipped := ""
	for _, each := range entries {
		if skipped != "" && strings.HasPrefix(each.Name, skipped) {
			continue
		}
		isIgnored := rules.Ignore(each.Name, entryInfo{each})
		switch {
		case each.Kind == kindFolder && isIgnored:
			skipped = each.Name + "/"
		case each.Kind == kindFolder || isIgnored:
		case each.Kind == kindFile:
			names = append(names, each.Name)
		case each.Kind == "link":
			return nil, invalidSource("%s is a link that leads nowhere", each.Name)
		default:
			return nil, invalidSource("%s is neither a file nor a folder", each.Name)
		}
	}
	return names, nil
}

// entryInfo is what the rules of `.helmignore` ask of a file.
type entryInfo struct{ entry }

func (e entryInfo) Name() string { return path.Base(e.entry.Name) }
func (e entryInfo) Size() int64  { return e.entry.Size }
func (e entryInfo) IsDir() bool  { return e.Kind == kindFolder }
func (e entryInfo) Mode() fs.FileMode {
	if e.IsDir() {
		return fs.ModeDir
	}
	return 0
}
func (entryInfo) ModTime() time.Time { return time.Time{} }
func (entryInfo) Sys() any           { return nil }

// loadChart lets Helm read the files, and checks what `helm template` checks before it renders.
func loadChart(files chartFiles) (*chart.Chart, error) {
	loaded, err := loader.LoadFiles(files)
	if err != nil {
		return nil, explainChart(files, err)
	}
	metadata := loaded.Metadata
	if metadata.APIVersion != chart.APIVersionV1 && metadata.APIVersion != chart.APIVersionV2 {
		return nil, invalidManifest("Chart.yaml: apiVersion %s is not known, only v1 and v2 are", short(metadata.APIVersion))
	}
	if metadata.Type != "" && metadata.Type != "application" {
		return nil, invalidManifest("Chart.yaml: a chart of type %s renders nothing by itself", short(metadata.Type)).
			then("make it a dependency of a chart of type application")
	}
	sortDependencies(loaded)
	return loaded, refuseMissing(loaded)
}

// sortDependencies undoes the random order in which Helm's loader finds the charts in `charts/`.
func sortDependencies(loaded *chart.Chart) {
	found := slices.Clone(loaded.Dependencies())
	slices.SortStableFunc(found, func(a, b *chart.Chart) int {
		return strings.Compare(a.Name()+"\x00"+a.Metadata.Version, b.Name()+"\x00"+b.Metadata.Version)
	})
	for _, each := range found {
		sortDependencies(each)
	}
	loaded.SetDependencies(found...)
}

// refuseMissing names the first dependency that is not in `charts/`: fetching it is not our part.
func refuseMissing(loaded *chart.Chart) error {
	for _, wanted := range loaded.Metadata.Dependencies {
		isHere := slices.ContainsFunc(loaded.Dependencies(), func(each *chart.Chart) bool {
			return each.Name() == wanted.Name
		})
		if isHere {
			continue
		}
		return invalidSource("Chart.yaml: the dependency %s%s is not in charts/, and Shoal fetches no charts while rendering",
			short(wanted.Name), fromRepository(wanted.Repository)).
			then("run `helm dependency update` and commit charts/")
	}
	return nil
}

func fromRepository(repository string) string {
	parsed, err := url.Parse(repository)
	if repository == "" || err != nil {
		return ""
	}
	parsed.User, parsed.RawQuery = nil, ""
	return " of " + limited(parsed.String(), longestAddress)
}
