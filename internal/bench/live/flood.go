package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"text/tabwriter"
	"time"

	"odooban/internal/control"
	"odooban/internal/store"
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
	// maxretry is how many failures are a ban.
	maxretry int
	// cut is set where odooban is ended with the flood, and started again.
	cut bool
	*daemon
	behind       time.Duration // how far counting was behind writing, at most
	after        time.Duration // from the last write until all was counted
	unattributed uint64
	counted      int // in the journal
	bans         int
	banned       time.Duration // from the first write until the last was banned
	cpu          time.Duration
	memory, peak float64
}

// floods measures what odooban does in floods.
func (b *bench) floods() error {
	fmt.Fprintf(b.out, "\n%d failures a second for %v, with an access line each, by %d processes:\n\n",
		pressure, onslaught, press)
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "written\tcounted\tunattributed\tbans\ta second\tbehind s\tafter s\tCPU s\tRSS MB\tpeak MB\t  measure\n")
	for _, f := range []*flood{
		{addresses: 1, maxretry: tries},
		{addresses: 1_000_000, maxretry: tries},
		{addresses: 1_000_000, maxretry: tries, cut: true},
		{addresses: 1_000_000, maxretry: 1},
	} {
		if err := b.flood(f); err != nil {
			return err
		}
		name := fmt.Sprintf("a flood from %d addresses", f.addresses)
		if f.cut {
			name += ", stopped at its end and started again"
		}
		if f.maxretry == 1 {
			name += ", each banned at its first failure"
		}
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%.0f\t%.1f\t%.1f\t%.1f\t%.0f\t%.0f\t  %s\n", pressure*int(onslaught.Seconds()),
			f.counted, f.unattributed, f.bans, float64(f.bans)/f.banned.Seconds(), f.behind.Seconds(), f.after.Seconds(),
			f.cpu.Seconds(), f.memory, f.peak, name)
	}
	return w.Flush()
}

func (b *bench) flood(f *flood) (err error) {
	s, err := b.prepare(0, nil)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.configure(f.maxretry); err != nil {
		return err
	}
	if f.daemon, err = s.odooban(b.ctx, b.program); err != nil {
		return err
	}
	defer func() { f.kill() }() // the one that runs then
	if err := f.press(b.ctx); err != nil {
		return err
	}
	wrote := time.Now()
	if f.cut {
		f.cpu = f.daemon.cpu()
		if err := f.stop(); err != nil {
			return err
		}
		again, err := s.odooban(b.ctx, b.program)
		if err != nil {
			return err
		}
		f.daemon = again
	}
	if f.after, err = f.rest(b.ctx, wrote); err != nil {
		return err
	}
	if err := f.stop(); err != nil {
		return err
	}
	f.counted, err = recorded(b.ctx, f.journal())
	return err
}

// press writes the flood, and watches meanwhile.
func (f *flood) press(ctx context.Context) error {
	o, err := openOdoo(f.log, press)
	if err != nil {
		return err
	}
	watching, ended := context.WithCancel(ctx)
	defer ended()
	watched := make(chan error, 1)
	go func() { watched <- f.watch(watching) }()
	if err := o.flood(ctx, f.addresses); err != nil {
		return err
	}
	ended()
	return <-watched
}

// rest waits until nothing is counted any more, and says for how long something
// was.
func (f *flood) rest(ctx context.Context, began time.Time) (after time.Duration, err error) {
	const (
		quiet = 15 * time.Second       // for which one write to the journal may take
		pace  = 200 * time.Millisecond // to count a million bans takes odooban a while
	)
	var last control.Source
	changed := began
	f.banned = onslaught
	err = until(ctx, pace, "all is counted", func() (bool, error) {
		s, source, err := f.status(ctx)
		if source.Failures != last.Failures || source.Lines != last.Lines || source.Unattributed != last.Unattributed {
			last, changed = source, time.Now()
		}
		if s.Firewall.Bans != f.bans {
			f.bans, f.banned = s.Firewall.Bans, time.Since(began)+onslaught
		}
		return time.Since(changed) > quiet, err
	})
	f.unattributed = last.Unattributed
	f.cpu += f.daemon.cpu()
	f.memory, f.peak = f.daemon.memory(), f.daemon.peak()
	return changed.Sub(began), err
}

// recorded counts the failures in a journal that nobody uses.
func recorded(ctx context.Context, path string) (n int, err error) {
	j, err := store.Open(path, store.Options{})
	if err != nil {
		return 0, err
	}
	for _, err := range j.Failures(ctx, time.Time{}) {
		if err != nil {
			return n, errors.Join(err, j.Close())
		}
		n++
	}
	return n, j.Close()
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
