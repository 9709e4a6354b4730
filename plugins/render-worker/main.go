// Shoal's render worker: the real Helm, Kustomize and Kubernetes YAML libraries in one small process
// that the controller starts, feeds over its pipes and ends when it is no longer needed.
//
// It renders one application at a time. Everything it reads it asks the controller for (asking.go), so
// the controller knows every input and guards every path; everything it says is a frame on standard
// output (frames.go). It opens no file, no socket and no process of its own (locking_in.go), and one
// render cannot reach another: whatever a render learns dies with it.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"time"
)

// version is set by the build: the version of Shoal that this worker belongs to.
var version = "0"

func main() {
	showsVersion := flag.Bool("version", false, "print the versions and end")
	idle := flag.Duration("idle", 30*time.Second, "end when nothing was asked for so long")
	memory := flag.Uint64("memory", 1024, "MiB that a render may use")
	flag.Parse()
	if *showsVersion {
		fmt.Println(versionLine())
		return
	}
	pipes := newPipes(os.Stdin, os.Stdout)
	silenceLibraries()
	lockIn(*memory << 20)
	go watchMemory(pipes, *memory)
	serve(pipes, *idle)
}

// silenceLibraries sends what libraries print to nowhere: standard output is for frames alone, which
// the pipes write, and standard error for crashes, which the runtime writes.
func silenceLibraries() {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	log.SetOutput(io.Discard)
	if nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		os.Stdout, os.Stderr = nowhere, nowhere
	}
	// What a template calls local time must not depend on the machine.
	time.Local = time.UTC
}

// serve answers one request after another until none comes for the idle time.
func serve(pipes *pipes, idle time.Duration) {
	for {
		select {
		case frame := <-pipes.incoming:
			pipes.respond(render(pipes, frame))
		case <-time.After(idle):
			return
		}
	}
}
