package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is a running process, as the kernel sees it.
type process int

// cpu is how much processor time it has used.
func (p process) cpu() time.Duration {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p))
	var sum time.Duration
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		ns, _ := strconv.ParseInt(first, 10, 64)
		sum += time.Duration(ns)
	}
	return sum
}

// used is what a process has used up to a moment.
type used struct {
	at    time.Time
	cpu   time.Duration
	wakes int // how often its threads were woken
}

func (p process) used() used { return used{time.Now(), p.cpu(), p.wakes()} }

// wakes is how often its threads have waited for something.
func (p process) wakes() (sum int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p))
	for _, task := range tasks {
		sum += number(task, "voluntary_ctxt_switches:")
	}
	return sum
}

// memory is how many MB it holds, and peak how many at most so far.
func (p process) memory() float64 { return p.megabytes("VmRSS:") }
func (p process) peak() float64   { return p.megabytes("VmHWM:") }

func (p process) megabytes(key string) float64 {
	return float64(number(fmt.Sprintf("/proc/%d/status", p), key)) / 1024
}

// number is what stands behind a key in a file of /proc.
func number(path, key string) int {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}

// load is the machine's load average of the last minute.
func load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
