package main

import (
	"bytes"
	"encoding/json"
	"strings"
)

// output collects the objects of a render as JSON, checks that each is a Kubernetes manifest, and
// stops when the budget is spent. Documents of the group shoal.dev are for the controller, not for
// clusters: they are left out.
type output struct {
	budget budget
	told   []told
	body   bytes.Buffer
}

// told is what the controller hears of an object beside its bytes.
type told struct {
	Origin string `json:"origin"`
	Size   int    `json:"size"`
}

const (
	ourGroup        = "shoal.dev/"
	notAManifest    = "%s: not a Kubernetes manifest: "
	moveOutOfFolder = "move files that are no manifests out of the folder"
)

// add checks an object and keeps it. Its numbers are json.Number, its mappings map[string]any.
func (o *output) add(value any, origin string) error {
	object, ok := value.(map[string]any)
	if !ok {
		return invalidManifest(notAManifest+"expected a mapping", origin).then(moveOutOfFolder)
	}
	if err := checkObject(object, origin); err != nil {
		return err
	}
	if strings.HasPrefix(object["apiVersion"].(string), ourGroup) {
		return nil
	}
	if len(o.told) == o.budget.Documents {
		return budgetExceeded("%s: more than %d objects in one application", origin, o.budget.Documents).
			then("divide the application")
	}
	before := o.body.Len()
	encoder := json.NewEncoder(&o.body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object); err != nil {
		return invalidManifest("%s: cannot be written as JSON", origin)
	}
	if o.body.Len() > o.budget.OutputBytes {
		return tooLarge(origin, o.budget)
	}
	o.told = append(o.told, told{origin, o.body.Len() - before})
	return nil
}

func tooLarge(origin string, allowed budget) *failure {
	return budgetExceeded("%s: the output is larger than %d bytes", origin, allowed.OutputBytes).
		then("divide the application")
}

// checkObject says what an object lacks, never what it holds.
func checkObject(object map[string]any, origin string) error {
	for _, name := range []string{"apiVersion", "kind"} {
		if text, ok := object[name].(string); !ok || text == "" {
			return invalidManifest(notAManifest+"%s is missing or not text", origin, name).
				then(moveOutOfFolder)
		}
	}
	if object["metadata"] == nil {
		return nil
	}
	metadata, ok := object["metadata"].(map[string]any)
	if !ok {
		return invalidManifest("%s: metadata is not a mapping", origin)
	}
	if labels := metadata["labels"]; labels != nil {
		if _, ok := labels.(map[string]any); !ok {
			return invalidManifest("%s: metadata.labels is not a mapping", origin)
		}
	}
	return nil
}
