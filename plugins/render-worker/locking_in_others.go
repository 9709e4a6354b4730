//go:build !linux

package main

// Other systems have no Landlock, and no limit on memory that Go's runtime lives well with: the watch
// and the refusing transport are what there is.

func limitData(uint64) {}

func unlimitData() {}

func leaveFilesAndSockets() {}
