package engine

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/banner"
	"odooban/internal/samplelog"
	"odooban/internal/store"
	"odooban/rules"
	"odooban/watcher"
	"odooban/watcher/tailfile"
)

// untilSettled follows a source until it has settled. It may hide that lines of history
// can be taken many at once.
type untilSettled struct {
	watcher.Source
	hide bool
}

// settling is a Sink that ends when it is settled, lining one that does not skim.
type (
	settling struct {
		watcher.Skimmer
		end context.CancelFunc
	}
	lining struct{ watcher.Sink }
)

func (o untilSettled) Follow(ctx context.Context, sink watcher.Sink) error {
	ctx, end := context.WithTimeout(ctx, 20*time.Second)
	defer end()
	skimmer, _ := sink.(watcher.Skimmer)
	sink = settling{skimmer, end}
	if o.hide {
		sink = lining{sink}
	}
	return o.Source.Follow(ctx, sink)
}

func (s settling) Settled(now time.Time) error {
	defer s.end()
	return s.Skimmer.Settled(now)
}

// remembered is what a journal holds.
type remembered struct {
	Failures  []store.Failure
	Bans      []banner.Ban
	Positions map[string]bookmark
}

// journaled gives an engine a journal of its own, and returns that and all built-in rules.
func journaled(t *testing.T, e *Engine) (*store.Journal, *rules.Set) {
	t.Helper()
	journal, err := store.Open(filepath.Join(t.TempDir(), "journal", "odooban.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Restore(t.Context(), journal, time.Now()); err != nil {
		t.Fatal(err)
	}
	set, err := rules.Compile(rules.BuiltIn(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return journal, set
}

// history follows a log with a journal of its own, and returns what that holds.
func history(t *testing.T, path string, hide bool) (r remembered) {
	t.Helper()
	e, _, _ := newTest(t)
	journal, set := journaled(t, e)
	defer journal.Close()
	file := tailfile.NewFile(path, func(_ string, err error) { t.Error(err) })
	if err := e.Follow(t.Context(), untilSettled{file, hide}, set, time.Now()); err != nil {
		t.Fatal(err)
	}
	for f, err := range journal.Failures(t.Context(), time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		r.Failures = append(r.Failures, f)
	}
	bans, err := journal.Bans(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	r.Bans = bans
	positions, err := journal.Positions()
	if err != nil {
		t.Fatal(err)
	}
	r.Positions = make(map[string]bookmark)
	for source, text := range positions {
		b, err := parseBookmark(text)
		if err != nil {
			t.Fatal(err)
		}
		b.Position = nil // it has moments in it
		r.Positions[source] = b
	}
	return r
}

// TestSkimmedHistoryCountsAlike wants the same in the journal whether the lines of
// history are taken one by one or many at once.
func TestSkimmedHistoryCountsAlike(t *testing.T) {
	few := samplelog.Mix{Failures: samplelog.Odoo.Failures, Attackers: 50} // so that some are banned
	for name, mix := range map[string]samplelog.Mix{"a server's": few, "an attack": samplelog.Attack} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "odoo.log")
			log, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := mix.Write(log, 1, 1<<20); err != nil {
				t.Fatal(err)
			}
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
			one, many := history(t, path, true), history(t, path, false)
			if len(one.Failures) == 0 || len(one.Bans) == 0 {
				t.Errorf("%d failures and %d bans", len(one.Failures), len(one.Bans))
			}
			if diff := cmp.Diff(one, many, samePrefix, cmp.Comparer(func(a, b rules.Failure) bool { return a == b })); diff != "" {
				t.Errorf("journal (-line by line +skimmed):\n%.2000s", diff)
			}
		})
	}
}
