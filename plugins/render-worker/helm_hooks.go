package main

import (
	"strings"

	release "helm.sh/helm/v4/pkg/release/v1"
)

// Hooks are objects that Helm itself would run at some moment of a release. Those for tests, deletion
// and rollback are left out, as in `helm template --no-hooks`: those moments do not exist here. One for
// installing or upgrading is part of how the chart works, so leaving it out takes a decision.

func (r *helmRender) refuseHooks(hooks []*release.Hook) error {
	if r.parameters.Hooks == "Skip" {
		return nil
	}
	var names []string
	for _, hook := range hooks {
		if moment := installMoment(hook); moment != "" {
			names = append(names, hook.Kind+"/"+limited(hook.Name, longestAddress)+" ("+moment+", "+r.inFolder(hook.Path)+")")
		}
	}
	if names == nil {
		return nil
	}
	return invalidManifest("the chart has hooks, which Shoal does not run: %s",
		limited(strings.Join(names, ", "), longestMessage)).
		then("set hooks: Skip if the application works without them")
}

// installMoment is the first event of a hook that belongs to installing or upgrading.
func installMoment(hook *release.Hook) string {
	for _, event := range hook.Events {
		switch event {
		case release.HookPreInstall, release.HookPostInstall, release.HookPreUpgrade, release.HookPostUpgrade:
			return event.String()
		}
	}
	return ""
}
