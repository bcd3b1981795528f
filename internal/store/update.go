package store

import (
	"net/netip"
	"time"

	"odooban/banner"
	"odooban/rules"
)

// Tx is one Update at work. It is valid until the function given to Update
// returns.
type Tx struct {
	j *Journal
}

// Update calls f, and writes what f records in one transaction. It always
// succeeds, see the package; f is called once. Within f the methods of the
// Journal must not be called.
func (j *Journal) Update(f func(tx *Tx)) {
	j.locked(func() {
		f(&Tx{j})
		if j.outage.due() {
			j.flush()
		} else {
			j.outage.dropped += j.staged.trim(j.maxStaged)
		}
	})
}

// Record takes what was read from a source up to position, and returns the
// failures that are new, in the order given: those to count. Neither the same line
// nor the same record by another way is new. Their times are in
// UTC and cut to the millisecond.
func (tx *Tx) Record(source, position string, failures []rules.Failure) (fresh []rules.Failure) {
	known := tx.j.known(source, failures)
	fresh = make([]rules.Failure, 0, len(failures))
	tx.j.staged.grow(len(failures))
	for _, f := range failures {
		f.Time = toTime(f.Time.UnixMilli())
		one := Failure{f, source}
		if known[one.identity()] || tx.j.staged.known[one.identity()] {
			continue
		}
		tx.j.learn(&f)
		if tx.j.counted.Take(source, &f) {
			tx.j.staged.add(one)
			fresh = append(fresh, f)
		}
	}
	tx.j.extend(source, fresh)
	tx.j.staged.positions[source] = position
	return fresh
}

// Ban takes a ban. One with the same rule, prefix and time as one before is the
// same ban, and changes nothing.
func (tx *Tx) Ban(b banner.Ban) {
	b.Time, b.Until = toTime(b.Time.UnixMilli()), toTime(b.Until.UnixMilli())
	tx.j.staged.ban(b)
}

// Lift ends the bans of exactly this prefix that would go on after now.
func (tx *Tx) Lift(prefix netip.Prefix, now time.Time) {
	tx.j.staged.lift(prefix, toTime(now.UnixMilli()))
}

// Pardon lets the failures that were recorded so far, of addresses in the
// prefix, count no more. ::/0 is everybody, of IPv4 too.
func (tx *Tx) Pardon(prefix netip.Prefix, now time.Time) {
	tx.j.staged.pardon(prefix, toTime(now.UnixMilli()))
}
