// Package engine is the whole pipeline: lines come in, failures are found in
// them and counted, and bans go to a firewall. Following a live log and
// replaying an old one are the same engine, and give the same bans.
package engine

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"odooban/banner"
	"odooban/internal/jail"
	"odooban/internal/once"
	"odooban/internal/store"
	"odooban/rules"
)

// Firewall is where bans go. See banner.Firewall.
type Firewall interface {
	Block(ctx context.Context, bans []banner.Ban) error
}

// Observer is told what happens. Its methods are called one at a time.
type Observer interface {
	// Failed tells of each failure, whether it counts or not.
	Failed(source string, f rules.Failure)
	// Banned tells of each ban, when the firewall has been told.
	Banned(source string, b banner.Ban)
	// Alarmed tells of what may keep odooban from protecting, and of what no longer
	// does.
	Alarmed(a Alarm)
}

// Engine counts the failures of all sources and bans. It is safe for
// concurrent use.
type Engine struct {
	// acting is held while something is counted and done about it, and while
	// people change what is in force. It comes before mu and the journal's lock.
	acting   sync.Mutex
	mu       sync.Mutex
	jail     *jail.Jail
	observer Observer
	alarms   alarms
	// tallies are what each rule has found, in all sources.
	tallies map[string]Tally
	sources sources
	// counted is what was counted, where no journal knows it.
	counted *once.Set

	firewall Firewall
	retries  retries

	// journal keeps what is counted; nil for none.
	journal   *store.Journal
	bookmarks map[string]bookmark
}

// New returns an Engine that counts in j and bans with firewall.
func New(j *jail.Jail, firewall Firewall, observer Observer) *Engine {
	return &Engine{
		jail: j, firewall: firewall, observer: observer,
		alarms: alarms{
			raised: make(map[alarmKey]*raised), met: make(map[string]uint64), clocks: make(map[string]offClock),
		},
		tallies:   make(map[string]Tally),
		counted:   once.New(once.Most),
		sources:   sources{followed: make(map[string]*followed), troubles: make(map[string]string)},
		retries:   retries{wake: make(chan struct{}, 1), pending: make(map[netip.Prefix]banner.Ban)},
		bookmarks: make(map[string]bookmark),
	}
}

// Observe counts failures of one source, each once however often it comes by
// another way, and puts the bans they lead to in force. seen is when the line that
// made them certain was read, or zero for history. A ban that the firewall refuses
// is not lost: Run tries it again. The failures are changed.
func (e *Engine) Observe(ctx context.Context, source string, failures []rules.Failure, seen time.Time) {
	e.acting.Lock()
	defer e.acting.Unlock()
	failures = slices.DeleteFunc(failures, func(f rules.Failure) bool { return !e.counted.Take(source, &f) })
	e.act(ctx, source, failures, seen)
}

// act counts failures, puts the bans they lead to in force, and tells of them.
func (e *Engine) act(ctx context.Context, source string, failures []rules.Failure, seen time.Time) []banner.Ban {
	bans := e.count(source, failures, seen)
	e.block(ctx, bans)
	e.banned(source, bans)
	return bans
}

// record does what Observe does, for failures that are new to the journal. With
// them it keeps, in one transaction, the bans and where reading goes on.
func (e *Engine) record(ctx context.Context, source, position string, failures []rules.Failure, seen time.Time) {
	e.acting.Lock()
	defer e.acting.Unlock()
	e.journal.Update(func(tx *store.Tx) {
		// A ban is more urgent than its record, and found again if that fails.
		for _, b := range e.act(ctx, source, tx.Record(source, position, failures), seen) {
			tx.Ban(b)
		}
	})
}

// block puts bans in force.
func (e *Engine) block(ctx context.Context, bans []banner.Ban) {
	if len(bans) == 0 {
		return
	}
	if err := e.firewall.Block(ctx, bans); err != nil {
		e.refused(ctx, bans, err)
	}
}

// spared leaves out of bans those of what is left alone by now.
func (e *Engine) spared(bans []banner.Ban) []banner.Ban {
	return slices.DeleteFunc(bans, func(b banner.Ban) bool {
		_, _, ignored := e.jail.IgnoredIn(b.Prefix)
		return ignored
	})
}

// refused keeps bans for another try. When ctx has ended that is why they were
// refused, and no alarm: they are found again in the log.
func (e *Engine) refused(ctx context.Context, bans []banner.Ban, err error) {
	e.retries.add(bans)
	if ctx.Err() == nil {
		e.Raise(firewallAlarm(err))
	}
}

// count counts failures and returns the bans they lead to.
func (e *Engine) count(source string, failures []rules.Failure, seen time.Time) []banner.Ban {
	e.mu.Lock()
	defer e.mu.Unlock()
	var bans []banner.Ban
	var alike Tally // of those that came last, which are by one rule
	for i, f := range failures {
		e.observer.Failed(source, f)
		if alike.Failures++; i+1 == len(failures) || failures[i+1].Rule != f.Rule {
			e.tally(source, f.Rule, alike)
			alike = Tally{}
		}
		e.checkClock(source, f, seen)
		e.refute(source, f.Addr)
		if why, ok := e.jail.Ignored(f.Addr); ok {
			e.alarmIgnored(source, f, why)
			continue
		}
		d, ok := e.jail.Count(f)
		if !ok {
			continue
		}
		b := toBan(d)
		e.tally(source, b.Rule, Tally{Bans: 1})
		bans = append(bans, b)
	}
	return bans
}

// banned tells of bans. What is told may wait for whoever reads it.
func (e *Engine) banned(source string, bans []banner.Ban) {
	if len(bans) == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, b := range bans {
		e.observer.Banned(source, b)
	}
}

// tally counts what a rule has found.
func (e *Engine) tally(source, rule string, more Tally) {
	e.tallies[rule] = e.tallies[rule].plus(more)
	e.sources.add(source, rule, more)
}

func toBan(d jail.Decision) banner.Ban {
	return banner.Ban{Prefix: d.Prefix, Rule: d.Rule, Time: d.Time, Until: d.Until, Failures: d.Failures}
}

// Run puts bans in force that the firewall has refused, until ctx ends.
func (e *Engine) Run(ctx context.Context) error {
	return e.retries.run(ctx, func() bool {
		e.acting.Lock()
		defer e.acting.Unlock()
		bans := e.spared(e.retries.take())
		err := e.firewall.Block(ctx, bans)
		if err != nil {
			e.refused(ctx, bans, err)
		}
		return err == nil
	})
}
