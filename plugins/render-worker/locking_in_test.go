package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	landlock "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// The rights are given up for good, so each look at what is left happens in a process of its own.
const insideVariable = "SHOAL_WORKER_TEST_INSIDE"

func TestMain(m *testing.M) {
	if os.Getenv(insideVariable) == "" {
		os.Exit(m.Run())
	}
	lockIn(1024 << 20)
	var told []string
	if _, err := os.Open("/etc/hosts"); err == nil {
		told = append(told, "a file can be opened")
	}
	if _, err := os.ReadDir("/"); err == nil {
		told = append(told, "a folder can be listed")
	}
	if connection, err := net.Dial("tcp", os.Getenv(insideVariable)); err == nil {
		connection.Close()
		told = append(told, "an address can be reached")
	}
	if _, err := net.LookupHost("localhost.example"); err == nil {
		told = append(told, "a name can be resolved")
	}
	if _, err := http.Get("http://" + os.Getenv(insideVariable)); err == nil {
		told = append(told, "HTTP can be spoken")
	}
	if err := exec.Command("/bin/true").Run(); err == nil {
		told = append(told, "a program can be run")
	}
	os.Stdout.WriteString(strings.Join(told, ", "))
	os.Exit(0)
}

func TestALockedInWorkerReachesNothing(t *testing.T) {
	if version, err := landlock.LandlockGetABIVersion(); err != nil || version < 4 {
		t.Skipf("this kernel has no Landlock that covers TCP (version %d)", version)
	}
	if left := inside(t); left != "" {
		t.Errorf("inside, %s", left)
	}
}

func TestWithoutLandlockHTTPIsRefusedAllTheSame(t *testing.T) {
	if left := inside(t); strings.Contains(left, "HTTP") || strings.Contains(left, "name") {
		t.Errorf("inside, %s", left)
	}
}

func inside(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	command := exec.Command(os.Args[0])
	command.Env = []string{insideVariable + "=" + listener.Addr().String()}
	left, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(left)
}
