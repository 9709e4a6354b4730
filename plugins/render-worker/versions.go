package main

import (
	"fmt"
	"runtime/debug"
)

// versionLine names the worker and the libraries whose meaning it carries.
func versionLine() string {
	found := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			found[module.Path] = module.Version
		}
	}
	return fmt.Sprintf("shoal-render-worker %s (helm %s, kustomize %s, sigs.k8s.io/yaml %s)", version,
		found["helm.sh/helm/v4"], found["sigs.k8s.io/kustomize/api"], found["sigs.k8s.io/yaml"])
}
