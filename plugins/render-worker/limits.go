package main

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Limits: a render that needs more memory than it may is ended with its process. The watch looks
// every few milliseconds; what is allocated in one stroke between two looks meets the hard limit of
// the operating system (locking_in.go), where Go's runtime gives up by itself.

const (
	memoryLook   = 5 * time.Millisecond
	exitOnMemory = 3
	// deepestStack is what templates that call themselves without end reach at last. Helm lets each named
	// template call itself a thousand times, which takes a tenth of it; `tpl` it does not bound.
	deepestStack = 256 << 20
)

func watchMemory(pipes *pipes, mebibytes uint64) {
	debug.SetTraceback("none") // a crash says why, and not where everybody was
	// Near the limit the collector works harder, so that garbage is not counted against a render.
	debug.SetMemoryLimit(int64(mebibytes<<20) / 10 * 9)
	used := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
	}
	for range time.Tick(memoryLook) {
		metrics.Read(used)
		heap, stacks := used[0].Value.Uint64(), used[1].Value.Uint64()
		var blown *failure
		switch {
		case stacks > deepestStack:
			blown = budgetExceeded("the templates call each other too deeply").
				then("look for a template or a value that includes itself, by tpl for example")
		case heap+stacks > mebibytes<<20:
			blown = budgetExceeded("the render needs more than %d MiB of memory", mebibytes).
				then("divide the application, or find out what grows so large")
		default:
			continue
		}
		unlimitData()
		pipes.respond(response{Failed: blown})
		os.Exit(exitOnMemory)
	}
}
