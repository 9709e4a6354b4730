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
	_ = syscall.Setrlimit(limitOfData, &syscall.Rlimit{Cur: bytes, Max: bytes})
}

// leaveFilesAndSockets is best effort: older kernels know only some of it, or nothing.
func leaveFilesAndSockets() {
	_ = landlock.V11.BestEffort().Restrict()
}
