package main

import (
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
)

// What Linux offers: a hard limit on memory, and Landlock, by which a process gives up rights for good.

// RLIMIT_DATA, which package syscall does not name.
const limitOfData = 2

// limitData makes an allocation beyond the limit fail; it counts what is mapped, not what is used.
func limitData(bytes uint64) {
	var limit syscall.Rlimit
	if syscall.Getrlimit(limitOfData, &limit) == nil {
		limit.Cur = min(bytes, limit.Max)
		_ = syscall.Setrlimit(limitOfData, &limit)
	}
}

// unlimitData lets the process end in its own words: it would crash beside them otherwise.
func unlimitData() {
	var limit syscall.Rlimit
	if syscall.Getrlimit(limitOfData, &limit) == nil {
		limit.Cur = limit.Max
		_ = syscall.Setrlimit(limitOfData, &limit)
	}
}

// leaveFilesAndSockets is best effort: older kernels know only some of it, or nothing.
func leaveFilesAndSockets() {
	_ = landlock.V11.BestEffort().Restrict()
}
