package main

import (
	"context"
	"fmt"
	"net/netip"
	"text/tabwriter"
	"time"
)

// peers measures fail2ban's daemon beside ours, on the same log.
func (b *bench) peers() error {
	if err := b.peersBan(); err != nil {
		return err
	}
	return b.peersRestart()
}

// peersBan measures from the write of the line that decides to the member in the
// kernel's set.
func (b *bench) peersBan() error {
	const each = 30
	victims := victims(each * b.rounds)
	ours, err := b.prepare(0, nil)
	if err != nil {
		return err
	}
	defer ours.close()
	theirs, err := b.prepareFail2ban()
	if err != nil {
		return err
	}
	defer theirs.close()
	failures := (tries - 1) * len(victims)
	for _, s := range []*site{ours, theirs} {
		if err := begin(s.log, victims); err != nil {
			return err
		}
	}
	odooban, err := ours.odooban(b.ctx, b.program)
	if err != nil {
		return err
	}
	defer odooban.kill()
	fail2ban, err := theirs.fail2ban(b.ctx)
	if err != nil {
		return err
	}
	defer fail2ban.kill()
	err = until(b.ctx, 100*time.Millisecond, "both have counted", func() (bool, error) {
		_, source, err := odooban.status(b.ctx)
		if err != nil || source.Failures < uint64(failures) {
			return false, err
		}
		n, err := theirs.fail2banFailures(b.ctx)
		return n >= failures, err
	})
	if err != nil {
		return err
	}
	us, err := newTarget("odooban", odooban, odoobanSet, victims)
	if err != nil {
		return err
	}
	them, err := newTarget("fail2ban", fail2ban, fail2banSet, victims)
	if err != nil {
		return err
	}
	targets := []*target{us, them}
	for range b.rounds {
		for _, t := range targets {
			if err := t.attack(b.ctx, each); err != nil {
				return err
			}
		}
	}
	return b.latencies(targets)
}

// begin writes all failures of the victims but the one that decides.
func begin(log string, victims []netip.Addr) error {
	o, err := openOdoo(log, press)
	if err != nil {
		return err
	}
	for range tries - 1 {
		for _, addr := range victims {
			o.fail(addr, time.Now())
		}
	}
	return o.write()
}

// peersRestart measures a restart with many bans in force.
func (b *bench) peersRestart() error {
	const bans = 10_000
	fmt.Fprintf(b.out, "\nA restart with %d bans in force, until all are in force and the log is followed again:\n\n",
		bans)
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "wall s\tunprotected s\t  measure\n")
	banned := remembered(bans)
	ours, err := b.prepare(bans, nil)
	if err != nil {
		return err
	}
	defer ours.close()
	us := restarts{site: ours, set: odoobanSet, last: banned[bans-1], start: func(ctx context.Context) (*daemon, error) {
		return ours.odooban(ctx, b.program)
	}}
	theirs, err := b.prepareFail2ban()
	if err != nil {
		return err
	}
	defer theirs.close()
	them := restarts{site: theirs, set: fail2banSet, last: banned[bans-1], start: theirs.fail2ban}
	them.first = func() error { return theirs.fail2banBans(b.ctx, banned) }
	if err := us.run(b.ctx, b.rounds); err != nil {
		return err
	}
	// It bans one by one, which takes minutes.
	if err := them.run(b.ctx, 1); err != nil {
		return err
	}
	fmt.Fprintf(w, "%.2f\t%.2f\t  odooban\n", median(us.took), median(us.gap))
	fmt.Fprintf(w, "%.2f\t%.2f\t  fail2ban\n", median(them.took), median(them.gap))
	return w.Flush()
}

// restarts are the restarts of a daemon.
type restarts struct {
	*site
	set   string
	last  netip.Addr // the one that was banned last
	start func(context.Context) (*daemon, error)
	// first lets it ban after its first start; nil if that is not needed.
	first func() error
	// took is how many seconds each took, gap for how many of them the last address
	// was not banned.
	took, gap []float64
}

func (r *restarts) run(ctx context.Context, rounds int) error {
	d, err := r.start(ctx)
	if err != nil {
		return err
	}
	if r.first != nil {
		err = r.first()
	}
	if err == nil {
		err = until(ctx, 10*time.Millisecond, "all are banned", func() (bool, error) { return r.bans(), nil })
	}
	for range rounds {
		if err == nil {
			d, err = r.again(ctx, d)
		}
	}
	if d != nil {
		d.kill()
	}
	return err
}

// bans says whether the last address is banned.
func (r *restarts) bans() bool {
	yes, err := r.banned(r.set, r.last)
	return yes && err == nil
}

// again ends the daemon and starts it anew.
func (r *restarts) again(ctx context.Context, d *daemon) (*daemon, error) {
	began := time.Now()
	watching, done := context.WithCancel(ctx)
	defer done()
	gap := make(chan time.Duration)
	go func() { gap <- r.watch(watching) }()
	if err := d.stop(); err != nil {
		return d, err
	}
	d, err := r.start(ctx)
	if err != nil {
		return nil, err
	}
	err = until(ctx, time.Millisecond, "all are banned again", func() (bool, error) { return r.bans(), nil })
	if err != nil {
		return d, err
	}
	r.took = append(r.took, time.Since(began).Seconds())
	done()
	r.gap = append(r.gap, (<-gap).Seconds())
	return d, nil
}

// watch says for how long the last address was not banned until ctx ended.
func (r *restarts) watch(ctx context.Context) (gap time.Duration) {
	last := time.Now()
	for ctx.Err() == nil {
		now := time.Now()
		if !r.bans() {
			gap += now.Sub(last)
		}
		last = now
		_ = wait(ctx, time.Millisecond)
	}
	return gap
}
