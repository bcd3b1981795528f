package engine

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"odooban/banner"
	"odooban/internal/jail"
	"odooban/internal/store"
)

// Restore goes on where the journal ends, and keeps there what is counted from
// now on. What was counted lately counts again, bans that are due are put in
// force, and sources are read on from where they had been read. It must be
// called before Follow.
func (e *Engine) Restore(ctx context.Context, journal *store.Journal, now time.Time) error {
	// The kernel is at work while the journal is read.
	read := make(chan []banner.Ban, 1)
	var blocking sync.WaitGroup
	blocking.Go(func() {
		for bans := range read {
			e.block(ctx, bans)
		}
	})
	err := e.remember(journal, now, read)
	close(read)
	defer blocking.Wait()
	if err != nil {
		return fmt.Errorf("restore bans: %w", err)
	}
	more, err := e.recount(ctx, journal, now)
	if err != nil {
		return fmt.Errorf("restore failures: %w", err)
	}
	if err := e.restorePositions(journal); err != nil {
		return fmt.Errorf("restore positions: %w", err)
	}
	e.journal = journal
	blocking.Wait()
	for source, bans := range more {
		e.block(ctx, bans)
		e.banned(source, bans)
	}
	return nil
}

// remember tells the jail of all bans in the journal, and hands out those that
// are due.
func (e *Engine) remember(journal *store.Journal, now time.Time, read chan<- []banner.Ban) error {
	for bans, err := range journal.AllBans(time.Time{}) {
		if err != nil {
			return err
		}
		read <- e.spared(due(bans, now))
		for _, b := range bans {
			e.jail.Remember(jail.Decision{
				Prefix: b.Prefix, Rule: b.Rule, Time: b.Time, Until: b.Until, Failures: b.Failures,
			})
			if !b.Lifted.IsZero() {
				e.jail.Lift(b.Prefix)
			}
		}
	}
	return nil
}

// due returns the bans that are to be in force.
func due(bans []store.Ban, now time.Time) []banner.Ban {
	var in []banner.Ban
	for _, b := range bans {
		if b.Lifted.IsZero() && b.Until.After(now) {
			in = append(in, b.Ban)
		}
	}
	return in
}

// recount counts again what was counted lately. That leads to bans, by source,
// only if the policies have become stricter.
func (e *Engine) recount(ctx context.Context, journal *store.Journal, now time.Time) (map[string][]banner.Ban, error) {
	newest, err := journal.Newest()
	if err != nil {
		return nil, err
	}
	if newest.After(now) {
		newest = now
	}
	bans := make(map[string][]banner.Ban)
	for f, err := range journal.Failures(ctx, newest.Add(-e.jail.Lookback())) {
		if err != nil {
			return nil, err
		}
		if d, ok := e.jail.Observe(f.Failure); ok {
			bans[f.Source] = append(bans[f.Source], toBan(d))
			e.mu.Lock()
			e.tally(f.Source, d.Rule, Tally{Bans: 1})
			e.mu.Unlock()
		}
	}
	if len(bans) > 0 {
		journal.Update(func(tx *store.Tx) {
			for _, some := range bans {
				for _, b := range some {
					tx.Ban(b)
				}
			}
		})
	}
	return bans, nil
}

// restorePositions notes where reading each source goes on.
func (e *Engine) restorePositions(journal *store.Journal) error {
	positions, err := journal.Positions()
	if err != nil {
		return err
	}
	for source, text := range positions {
		b, err := parseBookmark(text)
		if err != nil {
			e.Trouble(source, fmt.Errorf("%w; it is read from its start", err))
			continue
		}
		e.bookmarks[source] = b
	}
	return nil
}

// Positions are where reading goes on, by source, for docker.Group.Resume.
func (e *Engine) Positions() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for source, b := range e.bookmarks {
			if !yield(source, b.Position) {
				return
			}
		}
	}
}

// Position is where reading a source goes on, for tailfile.File.Resume.
func (e *Engine) Position(source string) []byte { return e.bookmarks[source].Position }
