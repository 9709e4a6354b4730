package main

import (
	"encoding/json"
	"errors"
)

// Rendering is one request from its frame to its result. Each kind of render gets an asker and an
// output, and returns the reason why it failed, if it did; whatever a library does by panicking stops
// here.

type budget struct {
	Files       int   `json:"files"`
	ReadBytes   int64 `json:"readBytes"`
	FileBytes   int64 `json:"fileBytes"`
	Documents   int   `json:"documents"`
	OutputBytes int   `json:"outputBytes"`
}

var defaultBudget = budget{
	Files: 10_000, ReadBytes: 64 << 20, FileBytes: 16 << 20, Documents: 10_000, OutputBytes: 64 << 20,
}

type request struct {
	Render     string          `json:"render"`
	Root       string          `json:"root"`
	Parameters json.RawMessage `json:"parameters"`
	Budget     budget          `json:"budget"`
	Files      []plainFile     `json:"files"`
}

type response struct {
	Done   *[]told  `json:"done,omitempty"`
	Failed *failure `json:"failed,omitempty"`
	body   []byte
}

func (p *pipes) respond(given response) { p.send(given, given.body) }

func render(pipes *pipes, received frame) (given response) {
	asked := request{Budget: defaultBudget}
	if err := json.Unmarshal(received.header, &asked); err != nil {
		return response{Failed: invalidSource("the request is not JSON as agreed")}
	}
	defer func() {
		if reason := recover(); reason != nil {
			given = response{Failed: explainPanic(reason, asked.Render)}
		}
	}()
	made := &output{budget: asked.Budget, told: []told{}}
	if err := renderInto(made, &asker{pipes}, asked, received.body); err != nil {
		return response{Failed: asFailure(err)}
	}
	return response{Done: &made.told, body: made.body.Bytes()}
}

func renderInto(made *output, asker *asker, asked request, body []byte) error {
	switch asked.Render {
	case "plain":
		return renderPlain(made, asked.Files, body)
	case "helm":
		return renderHelm(made, asker, asked)
	case "kustomize":
		return renderKustomize(made, asker, asked)
	}
	return invalidSource("the worker does not know the renderer %s", short(asked.Render))
}

func asFailure(err error) *failure {
	if told, ok := errors.AsType[*failure](err); ok {
		return told
	}
	return invalidManifest("%s", oneSentence(err.Error()))
}

func explainPanic(reason any, renderer string) *failure {
	switch told := reason.(type) {
	case refused:
		return invalidSource("the controller refused what the render asked for")
	case *failure:
		return told
	case error:
		return invalidManifest("%s broke down over this input: %s", renderer, oneSentence(told.Error()))
	}
	return invalidManifest("%s broke down over this input", renderer)
}
