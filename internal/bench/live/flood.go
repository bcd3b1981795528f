package main

import (
	"context"
	"fmt"
	"net/netip"
	"text/tabwriter"
	"time"

	"odooban/internal/control"
)

const (
	// pressure is how many logins fail in a second of a flood, and onslaught how
	// long it lasts.
	pressure  = 100_000
	onslaught = 10 * time.Second
	// press is how many processes fail in turn: each has 10 ms for a request.
	press = 1000
	// gust is how many failures are written at a time.
	gust = 500
)

// flood is a flood from so many addresses, and what came of it.
type flood struct {
	addresses int
	*daemon
	behind time.Duration // how far counting was behind writing, at most
	after  time.Duration // from the last write until all was counted
	source control.Source
	bans   int
	used   used
}

// floods measures what odooban does in floods.
func (b *bench) floods() error {
	fmt.Fprintf(b.out, "\n%d failures a second for %v, with an access line each, by %d processes:\n\n", pressure, onslaught, press)
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "written\tcounted\tunattributed\tbans\tbehind s\tafter s\tCPU s\tRSS MB\tpeak MB\t  measure\n")
	for _, addresses := range []int{1, 1_000_000} {
		f := &flood{addresses: addresses}
		if err := b.flood(f); err != nil {
			return err
		}
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%.1f\t%.1f\t%.1f\t%.0f\t%.0f\t  a flood from %d addresses\n",
			pressure*int(onslaught.Seconds()), f.source.Failures, f.source.Unattributed, f.bans,
			f.behind.Seconds(), f.after.Seconds(), f.used.cpu.Seconds(), f.memory(), f.peak(), addresses)
		f.close()
	}
	return w.Flush()
}

func (b *bench) flood(f *flood) error {
	d, err := b.odooban(b.ctx, 0, nil)
	if err != nil {
		return err
	}
	f.daemon = d
	o, err := openOdoo(d.log, press)
	if err != nil {
		return err
	}
	ctx, ended := context.WithCancel(b.ctx)
	defer ended()
	watched := make(chan error, 1)
	go func() { watched <- f.watch(ctx) }()
	if err := o.flood(ctx, f.addresses); err != nil {
		return err
	}
	wrote := time.Now()
	ended()
	if err := <-watched; err != nil {
		return err
	}
	err = until(b.ctx, 50*time.Millisecond, "all is read and judged", func() (bool, error) {
		_, s, err := d.status(b.ctx)
		settled := s.Failures+s.Unattributed == f.source.Failures+f.source.Unattributed && s.Lines == uint64(2*o.next)
		f.source = s
		return settled && s.Failures+s.Unattributed >= uint64(o.next) || settled && time.Since(wrote) > time.Minute, err
	})
	f.after, f.used = time.Since(wrote), d.process.used()
	if err != nil {
		return err
	}
	s, _, err := d.status(b.ctx)
	f.bans = s.Firewall.Bans
	return err
}

// watch asks how far odooban is behind until ctx ends.
func (f *flood) watch(ctx context.Context) error {
	for wait(ctx, 100*time.Millisecond) == nil {
		_, s, err := f.status(context.WithoutCancel(ctx))
		if err != nil {
			return err
		}
		if !s.LastRecord.IsZero() {
			f.behind = max(f.behind, time.Since(s.LastRecord))
		}
	}
	return nil
}

// flood writes failures of so many addresses in turn, at the pace of the flood.
func (o *odoo) flood(ctx context.Context, addresses int) error {
	first := netip.MustParseAddr("40.0.0.0")
	addr := first
	began := time.Now()
	for o.next < pressure*int(onslaught.Seconds()) {
		for range gust {
			at := began.Add(time.Duration(o.next) * time.Second / pressure)
			if o.next%addresses == 0 {
				addr = first
			}
			addr = addr.Next()
			o.fail(addr, at)
		}
		due := began.Add(time.Duration(o.next) * time.Second / pressure)
		if err := wait(ctx, time.Until(due)); err != nil {
			return err
		}
		if err := o.write(); err != nil {
			return err
		}
	}
	return nil
}
