package main

import "fmt"

// A failure is why there is no result, in the controller's own terms: which of its errors to raise,
// one sentence and the next step. Everything else that a library returns is made into one of these,
// because libraries tell of internal paths and show values.
type failure struct {
	Kind     string `json:"kind"`
	Message  string `json:"message"`
	NextStep string `json:"nextStep,omitempty"`
}

func (f *failure) Error() string { return f.Message }

// then adds the next step.
func (f *failure) then(nextStep string) *failure {
	f.NextStep = nextStep
	return f
}

func invalidManifest(format string, arguments ...any) *failure {
	return &failure{Kind: "InvalidManifest", Message: fmt.Sprintf(format, arguments...)}
}

func invalidSource(format string, arguments ...any) *failure {
	return &failure{Kind: "InvalidSource", Message: fmt.Sprintf(format, arguments...)}
}

func budgetExceeded(format string, arguments ...any) *failure {
	return &failure{Kind: "BudgetExceeded", Message: fmt.Sprintf(format, arguments...)}
}
