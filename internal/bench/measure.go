package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// measure is a command that is run again and again.
type measure struct {
	name  string
	args  []string
	procs int   // GOMAXPROCS, zero for all
	lines int64 // how many it reads
	runs  []cost
}

// cost is what one run took.
type cost struct {
	wall, cpu float64 // seconds
	peak      float64 // MB
}

// run runs the command once.
func (m *measure) run(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, m.args[0], m.args[1:]...)
	if m.procs > 0 {
		cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(m.procs))
	}
	begin := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run %s: %w: %.500s", strings.Join(m.args, " "), err, out)
	}
	c := cost{wall: time.Since(begin).Seconds()}
	state := cmd.ProcessState
	c.cpu = (state.UserTime() + state.SystemTime()).Seconds()
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		c.peak = float64(usage.Maxrss) / 1024
	}
	m.runs = append(m.runs, c)
	return nil
}

func wall(c cost) float64 { return c.wall }
func cpu(c cost) float64  { return c.cpu }

func (m *measure) wall() float64 { return m.median(wall) }
func (m *measure) cpu() float64  { return m.median(cpu) }

// peak is the most memory that a run took.
func (m *measure) peak() float64 {
	return slices.MaxFunc(m.runs, func(a, b cost) int { return int(a.peak - b.peak) }).peak
}

// median is that of one cost.
func (m *measure) median(of func(cost) float64) float64 {
	var all []float64
	for _, c := range m.runs {
		all = append(all, of(c))
	}
	return median(all)
}

// against is the median of how much more a line cost than with the other, round
// by round.
func (m *measure) against(other *measure, of func(cost) float64) float64 {
	var ratios []float64
	for i, c := range m.runs {
		ratios = append(ratios, of(c)/float64(m.lines)/(of(other.runs[i])/float64(other.lines)))
	}
	return median(ratios)
}

func median(all []float64) float64 {
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}
