package main

import (
	"fmt"
	"io"
	"time"

	"odooban/internal/odoosim"
)

// row is how a scenario went, over all seeds.
type row struct {
	honest, counted       int
	excess, accused       int
	ok, needed, until     int
	delay                 time.Duration
	wrong, forged, banned int
	broken                []string
	first                 *odoosim.Outcome // the first that broke its promise, or the first
	seed                  uint64
}

// measure runs a scenario with each seed.
func (o *options) measure(s *odoosim.Scenario, judge func() odoosim.Judge) row {
	var sum row
	for seed := o.seed; seed < o.seed+o.seeds; seed++ {
		out := s.Run(seed, judge())
		r := row{
			honest: out.Honest, counted: out.Counted, excess: out.Excess, accused: out.Accused,
			wrong: out.Wrong, forged: out.Log.Forged, banned: len(out.BannedStrangers), broken: s.Broken(out),
		}
		r.ok, r.needed, r.until, r.delay = out.Fate()
		if o.verbose && (sum.first == nil || len(sum.broken) == 0 && len(r.broken) > 0) {
			sum.first, sum.seed = out, seed
		}
		sum.add(&r)
	}
	return sum
}

// add sums up.
func (r *row) add(o *row) {
	r.honest, r.counted = r.honest+o.honest, r.counted+o.counted
	r.excess, r.accused = r.excess+o.excess, r.accused+o.accused
	r.ok, r.needed, r.until, r.delay = r.ok+o.ok, r.needed+o.needed, max(r.until, o.until), max(r.delay, o.delay)
	r.wrong, r.forged, r.banned = r.wrong+o.wrong, r.forged+o.forged, r.banned+o.banned
	r.broken = append(r.broken, o.broken...)
}

// write writes a line of the table.
func (r *row) write(w io.Writer, name string) {
	mark := ""
	if len(r.broken) > 0 {
		mark = "**broken**"
	}
	wrong := fmt.Sprint(r.wrong)
	if r.forged > 0 {
		wrong = fmt.Sprintf("%.1f of %d", 1000*float64(r.wrong)/float64(r.forged), r.forged)
	}
	fmt.Fprintf(w, "| %s | %d of %d | %d | %d | %d of %d | %d | %.2f s | %s | %d | %s |\n",
		name, r.counted, r.honest, r.excess, r.accused, r.ok, r.needed, r.until, r.delay.Seconds(), wrong, r.banned, mark)
}

// explain writes what went wrong.
func (r *row) explain(w io.Writer, name string, most int) {
	fmt.Fprintf(w, "=== %s (seed %d)\n", name, r.seed)
	for _, b := range r.broken {
		fmt.Fprintln(w, "  broken:", b)
	}
	r.first.Trace(w, most)
	fmt.Fprintln(w)
}
