package main

import (
	"context"
	"errors"
	"net"
	"net/http"

	_ "time/tzdata" // templates name time zones, and the machine's files are out of reach
)

// Locking in: a chart or kustomization is a stranger's program. The libraries around it can open
// files and sockets; here they lose that, first where they ask for it by the usual ways, then, where
// the kernel can, altogether.

var errNoNetwork = errors.New("the network is out of reach while rendering")

type noNetwork struct{}

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) { return nil, errNoNetwork }

func lockIn(memory uint64) {
	http.DefaultTransport = noNetwork{}
	http.DefaultClient = &http.Client{Transport: noNetwork{}}
	net.DefaultResolver = &net.Resolver{
		PreferGo: true,
		Dial:     func(context.Context, string, string) (net.Conn, error) { return nil, errNoNetwork },
	}
	limitData(memory + memory/2 + 256<<20)
	leaveFilesAndSockets()
}
