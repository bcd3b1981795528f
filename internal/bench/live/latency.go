package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"text/tabwriter"
	"time"
)

// aLot is how many bans are in force where that is measured.
const aLot = 100_000

// tries is how many failed logins lead to a ban.
const tries = 10

// target is a daemon of which is measured how long it takes to ban.
type target struct {
	name string
	*daemon
	set     string // of the kernel, where it bans
	odoo    *odoo
	victims []netip.Addr
	// rounds are the times of each round, sorted.
	rounds [][]time.Duration
	cpu    time.Duration // of all rounds
}

func newTarget(name string, d *daemon, set string, victims []netip.Addr) (*target, error) {
	const processes = 6
	o, err := openOdoo(d.log, processes)
	return &target{name: name, daemon: d, set: set, odoo: o, victims: victims}, err
}

// attack lets the next victims fail until they are banned, and notes how long each
// took from the write of the last line to the member in the kernel's set.
func (t *target) attack(ctx context.Context, bans int) error {
	before := t.process.cpu()
	times := make([]time.Duration, bans)
	for i := range times {
		var err error
		if times[i], err = t.ban(ctx, t.victims[i]); err != nil {
			return err
		}
	}
	t.victims = t.victims[bans:]
	slices.Sort(times)
	t.rounds = append(t.rounds, times)
	t.cpu += t.process.cpu() - before
	return nil
}

// ban lets an address fail once more.
func (t *target) ban(ctx context.Context, addr netip.Addr) (time.Duration, error) {
	// Not in step with anything.
	pause := 25*time.Millisecond + rand.N(10*time.Millisecond) //nolint:gosec // no secret
	if err := wait(ctx, pause); err != nil {
		return 0, err
	}
	began := time.Now()
	t.odoo.fail(addr, began)
	if err := t.odoo.write(); err != nil {
		return 0, err
	}
	err := until(ctx, 50*time.Microsecond, fmt.Sprintf("%s bans %s", t.name, addr), func() (bool, error) {
		return t.banned(t.set, addr)
	})
	return time.Since(began), err
}

// latency measures from the write of the line that decides to the member in the
// kernel's set, with few bans in force and with many, in turns.
func (b *bench) latency() error {
	const each = 200
	var targets []*target
	var daemons []*daemon
	defer func() { closeAll(daemons) }()
	victims := victims(each * b.rounds)
	for _, bans := range []int{0, aLot} {
		d, err := b.odooban(b.ctx, bans, victims)
		if err != nil {
			return err
		}
		daemons = append(daemons, d)
		t, err := newTarget(fmt.Sprintf("odooban, %d bans in force", bans), d, odoobanSet, victims)
		if err != nil {
			return err
		}
		targets = append(targets, t)
	}
	for range b.rounds {
		for _, t := range targets {
			if err := t.attack(b.ctx, each); err != nil {
				return err
			}
		}
	}
	return b.latencies(targets)
}

// latencies writes what was measured.
func (b *bench) latencies(targets []*target) error {
	fmt.Fprint(b.out, "\nFrom the write of the line that decides to the member in the kernel's set; "+
		"odooban lets it settle for 10 ms:\n\n")
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "p50 ms\tp99 ms\tmost ms\tp50 to first\tCPU ms a ban\tRSS MB\t  measure\n")
	for _, t := range targets {
		bans := len(t.rounds) * len(t.rounds[0])
		fmt.Fprintf(w, "%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.0f\t  %s\n",
			t.quantile(0.5), t.quantile(0.99), t.quantile(1), t.against(targets[0]),
			t.cpu.Seconds()*1e3/float64(bans), t.memory(), t.name)
	}
	return w.Flush()
}

// quantile is the median of the quantiles of the rounds, in ms.
func (t *target) quantile(q float64) float64 {
	var all []float64
	for _, times := range t.rounds {
		all = append(all, quantile(times, q))
	}
	return median(all)
}

// against is the median of how much longer it took than with the other, round by
// round.
func (t *target) against(other *target) float64 {
	var ratios []float64
	for i, times := range t.rounds {
		ratios = append(ratios, quantile(times, 0.5)/quantile(other.rounds[i], 0.5))
	}
	return median(ratios)
}

// quantile is one of sorted times, in ms.
func quantile(times []time.Duration, q float64) float64 {
	return times[min(len(times)-1, int(float64(len(times))*q))].Seconds() * 1e3
}

func median(all []float64) float64 {
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}
