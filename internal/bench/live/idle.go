package main

import (
	"fmt"
	"text/tabwriter"
	"time"
)

// idle measures what a daemon costs whose log nobody writes to, with few bans in
// force and with many.
func (b *bench) idle() error {
	fmt.Fprintf(b.out, "\nIdle for %v, with an open log, a journal, the control socket and systemd's watchdog:\n\n",
		b.quiet)
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "% of a core\twakes a second\tRSS MB\tpeak MB\t  measure\n")
	var daemons []*daemon
	defer func() { closeAll(daemons) }()
	for _, bans := range []int{0, 1000, aLot} {
		d, err := b.odooban(b.ctx, bans, nil)
		if err != nil {
			return err
		}
		daemons = append(daemons, d)
		victims := victims(1)
		t, err := newTarget("", d, odoobanSet, victims)
		if err != nil {
			return err
		}
		t.odoo.fail(victims[0], time.Now())
		if err := t.odoo.write(); err != nil {
			return err
		}
	}
	// What starting has left behind is none of it.
	if err := wait(b.ctx, 10*time.Second); err != nil {
		return err
	}
	var before []used
	for _, d := range daemons {
		before = append(before, d.used())
	}
	if err := wait(b.ctx, b.quiet); err != nil {
		return err
	}
	for i, d := range daemons {
		now := d.used()
		seconds := now.at.Sub(before[i].at).Seconds()
		s, _, err := d.status(b.ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%.3f\t%.1f\t%.1f\t%.0f\t  odooban, %d bans in force\n", (now.cpu-before[i].cpu).Seconds()/seconds*100,
			float64(now.wakes-before[i].wakes)/seconds, d.memory(), d.peak(), s.Firewall.Bans)
	}
	return w.Flush()
}
