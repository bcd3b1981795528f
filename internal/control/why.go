package control

import (
	"context"
	"time"

	"odooban/internal/engine"
	"odooban/internal/store"
)

// Why tells all that is known of an address.
func (d *Desk) Why(ctx context.Context, text string) (Why, error) {
	addr, err := ParseAddr(text)
	if err != nil {
		return Why{}, &wrongError{err}
	}
	now := time.Now()
	standing := d.Engine.Standing(addr)
	w := Why{
		Addr: addr, Prefix: standing.Prefix, Ignored: standing.Ignored, Counting: []Counting{}, Bans: []Ban{},
		Earlier: []Ban{}, Failures: []Failure{}, Rejected: toRejected(d.Engine.Rejected(standing.Prefix)), DryRun: d.DryRun,
	}
	for _, c := range standing.Counted {
		w.Counting = append(w.Counting, Counting{
			Rule: c.Rule, Failures: len(c.Times), MaxRetry: c.MaxRetry, FindTime: c.FindTime.Seconds(),
			First: c.Times[0], Last: c.Times[len(c.Times)-1],
		})
	}
	bans, err := d.bans(ctx, now)
	if err != nil {
		return Why{}, err
	}
	for _, b := range bans {
		if b.Prefix.Overlaps(w.Prefix) {
			w.Bans = append(w.Bans, b)
		}
	}
	if d.Journal != nil {
		err = w.remember(d.Journal, now, false)
	}
	return w, err
}

// toRejected explains what was rejected.
func toRejected(all []engine.Rejected) []Rejected {
	rejected := make([]Rejected, len(all))
	for i, r := range all {
		why := engine.Explain(r.Reason)
		rejected[i] = Rejected{
			Time: r.Time, Addr: r.Addr, By: r.By, Rule: r.Rule, User: r.User, DB: r.DB, Source: r.Source,
			Reason: r.Reason, Title: why.Title, Cure: why.Cure,
		}
	}
	return rejected
}

// remember adds what the journal knows; with all, the bans that go on too.
func (w *Why) remember(journal *store.Journal, now time.Time, all bool) error {
	h, err := journal.History(w.Prefix)
	if err != nil {
		return err
	}
	for _, f := range h.Failures {
		w.Failures = append(w.Failures, Failure{
			Time: f.Time, Addr: f.Addr, Rule: f.Rule, User: f.User, DB: f.DB, Source: f.Source,
		})
	}
	for _, b := range h.Bans {
		one := toBan(b.Ban)
		one.Lifted = b.Lifted
		switch {
		case !b.Lifted.IsZero() || !b.Until.After(now):
			w.Earlier = append(w.Earlier, one)
		case all:
			w.Bans = append(w.Bans, one)
		}
	}
	return nil
}
