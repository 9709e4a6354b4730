package main

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
)

// What is refused before Kustomize builds anything: addresses (it would fetch them by HTTP or git),
// Helm charts (it would run helm) and bases in circles (its own error does not say who names whom).

// An address as Kustomize understands it: a scheme, a user before the host as ssh has it, or GitHub.
var remoteAddress = regexp.MustCompile(`(?i)^(?:git::)?(?:[a-z][a-z0-9+.-]*://|[a-z][a-z0-9-]*@|github\.com[/:])`)

// isPath tells a path from a text that stands inline.
func isPath(text string) bool { return !strings.ContainsAny(text, "\n\x00{}") && !isRemote(text) }

func isRemote(text string) bool {
	if strings.Contains(text, "\n") {
		return false // an inline text
	}
	if remoteAddress.MatchString(text) {
		return true
	}
	parsed, err := url.Parse(text)
	return err == nil && (parsed.Scheme == "http" || parsed.Scheme == "https")
}

func (s *survey) refuseRemote(read *readKustomization) error {
	for _, each := range append(slices.Clone(read.operands), read.files...) {
		if _, ok := below(read.folder, each.text); !ok && isPath(each.text) {
			return invalidSource("%s: %s names %s, which leads out of the source",
				s.shown(read.file), each.field, limited(each.text, longestAddress))
		}
		if !isRemote(each.text) || s.isLocalFile(read.folder, each.text) {
			continue
		}
		return invalidSource("%s: %s names %s, which is remote, and Shoal fetches nothing while rendering",
			s.shown(read.file), each.field, withoutUser(each.text)).
			then("commit a copy of it to the source and name that")
	}
	return nil
}

// isLocalFile tells a file whose name looks like an address of git; Kustomize tries files first.
func (s *survey) isLocalFile(folder, text string) bool {
	joined, ok := below(folder, text)
	if !ok || strings.Contains(text, "://") {
		return false
	}
	found := s.files.find(joined)
	return found != nil && found.Kind == kindFile
}

func (s *survey) refuseCharts(file string, parsed *types.Kustomization) error {
	name := ""
	if len(parsed.HelmCharts) > 0 {
		name = "helmCharts: the chart " + limited(parsed.HelmCharts[0].Name, longestAddress)
	}
	for _, each := range parsed.Generators {
		if strings.Contains(each, "HelmChartInflationGenerator") {
			name = "generators: a HelmChartInflationGenerator"
		}
	}
	if name == "" {
		return nil
	}
	return invalidSource("%s: %s would be inflated by a helm program, which Shoal does not run",
		s.shown(file), name).
		then("make the chart an application of its own with the renderer helm, or commit what it renders")
}

// refuseCycles follows the bases depth first. It also counts how often Kustomize would read a folder
// when it follows all of them: bases that share bases double the work at each level.
func (s *survey) refuseCycles() error {
	visits := map[string]float64{}
	var trail []string
	var follow func(folder string) error
	follow = func(folder string) error {
		trail = append(trail, folder)
		count := 1.0
		for _, each := range s.kustomizations[folder].bases {
			if at := slices.Index(trail, each.folder); at >= 0 {
				return s.cycle(folder, each, append(slices.Clone(trail[at:]), each.folder))
			}
			if isAbove(each.folder, folder) {
				return invalidManifest("%s: %s names %s, a folder that it stands in",
					s.shown(s.kustomizations[folder].file), each.entry.field, limited(each.entry.text, longestAddress))
			}
			if visits[each.folder] == 0 {
				if err := follow(each.folder); err != nil {
					return err
				}
			}
			count += visits[each.folder]
		}
		trail = trail[:len(trail)-1]
		visits[folder] = count
		if count > float64(s.budget.Files) {
			return budgetExceeded("%s: more than %d kustomizations are built, because bases share bases",
				s.shown(s.kustomizations[folder].file), s.budget.Files)
		}
		return nil
	}
	return follow(s.root)
}

// refuseBombs looks for files that are small and stand for much, and for more objects than there may
// be: what Kustomize needs grows with the square of their number.
func (s *survey) refuseBombs() error {
	documents := 0
	for _, each := range s.entries {
		found := s.files.found[each.path]
		if found == nil || found.Kind != kindFile {
			continue
		}
		parts := splitStream(s.files.contents[found.Path])
		for _, part := range parts {
			if err := checkAliases(part, s.shown(each.path)); err != nil {
				return err
			}
		}
		if each.field != "resources" {
			continue
		}
		if documents += len(parts); documents > s.budget.Documents {
			return budgetExceeded("%s: more than %d objects in one application", s.shown(each.path), s.budget.Documents).
				then("divide the application")
		}
	}
	return nil
}

func (s *survey) cycle(folder string, named base, trail []string) error {
	for i, each := range trail {
		if each == "" {
			trail[i] = "."
		}
	}
	return invalidManifest("%s: %s names %s, which leads back to itself: %s",
		s.shown(s.kustomizations[folder].file), named.entry.field, limited(named.entry.text, longestAddress),
		limited(strings.Join(trail, " → "), longestMessage))
}

func isAbove(above, folder string) bool {
	return above == "" || strings.HasPrefix(folder, above+"/")
}
