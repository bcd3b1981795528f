package store

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"odooban/rules"
)

// TestPruneByAge deletes what is too old, and only that.
func TestPruneByAge(t *testing.T) {
	j := open(t, tempPath(t), Options{MaxAge: time.Hour})
	j.Update(func(tx *Tx) {
		tx.Record("old.log", "1", failures(0, 1500))
		tx.Record("new.log", "1", failures(3000, 3010))
		tx.Ban(ban("203.0.113.1/32", 0))
		tx.Ban(ban("203.0.113.2/32", 50))
	})
	if err := j.Prune(t.Context(), noon.Add(time.Hour+3000*time.Second), turn); err != nil {
		t.Fatal(err)
	}
	if got := all(t, j); len(got) != 10 || got[0].Place != failure(3000).Place {
		t.Errorf("%d failures are left", len(got))
	}
	if bans, err := j.Bans(noon); err != nil || len(bans) != 1 || bans[0] != ban("203.0.113.2/32", 50) {
		t.Errorf("left are the bans %v, %v", bans, err)
	}
	if got := position(t, j, "old.log"); got != "1" {
		t.Errorf("the position of a source that was just written to is %q", got)
	}
}

// TestPruneForgetsSourcesThatAreGone, but not while there are failures of theirs.
func TestPruneForgetsSourcesThatAreGone(t *testing.T) {
	j := open(t, tempPath(t), Options{MaxAge: time.Hour})
	late := failure(1)
	late.Time = time.Now().AddDate(10, 0, 0)
	record(j, "gone.log", "1")
	record(j, "gone, with a failure.log", "1", late)
	if err := j.Prune(t.Context(), time.Now().AddDate(1, 0, 0), turn); err != nil {
		t.Fatal(err)
	}
	if gone, with := position(t, j, "gone.log"), position(t, j, "gone, with a failure.log"); gone != "" || with != "1" {
		t.Errorf("positions are %q and %q", gone, with)
	}
}

// TestPruneByRowsShrinksTheFile to about what the newest rows take.
func TestPruneByRowsShrinksTheFile(t *testing.T) {
	path := tempPath(t)
	j := open(t, path, Options{MaxRows: 500})
	record(j, "odoo.log", "1", failures(0, 6000)...)
	j.Update(func(tx *Tx) {
		for n := range 800 {
			tx.Ban(ban("203.0.113.1/32", n))
		}
	})
	if err := j.Prune(t.Context(), noon, turn); err != nil {
		t.Fatal(err)
	}
	if got := all(t, j); len(got) != 500 || got[0].Place != failure(5500).Place {
		t.Errorf("%d failures are left", len(got))
	}
	if bans, err := j.Bans(noon); err != nil || len(bans) != 500 || bans[0] != ban("203.0.113.1/32", 300) {
		t.Errorf("%d bans are left, %v", len(bans), err)
	}
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if got := size(path); got > 400<<10 {
		t.Errorf("the file has %d bytes for 500 failures and bans", got)
	}
	if got := size(path + "-wal"); got != 0 {
		t.Errorf("the WAL has %d bytes", got)
	}
	if fresh := record(j, "odoo.log", "1", failures(5500, 6001)...); len(fresh) != 1 {
		t.Errorf("%d failures are new after it, want 1", len(fresh))
	}
}

// TestAPardonIsNotForLaterFailures, though all that it was about are deleted and
// an old log has brought the last of them.
func TestAPardonIsNotForLaterFailures(t *testing.T) {
	j := open(t, tempPath(t), Options{MaxAge: time.Hour})
	now := noon.Add(24 * time.Hour)
	later := func(n int) rules.Failure {
		f := failure(n)
		f.Time = now
		return f
	}
	record(j, "odoo.log", "1", later(1), later(2))
	record(j, "old.log", "1", failures(10, 20)...)
	j.Update(func(tx *Tx) { tx.Pardon(netip.MustParsePrefix("::/0"), now) })
	if err := j.Prune(t.Context(), now, turn); err != nil {
		t.Fatal(err)
	}
	record(j, "odoo.log", "2", later(3))
	if got := all(t, j); len(got) != 1 || got[0].Place != failure(3).Place {
		t.Errorf("what counts is %v", got)
	}
	// The pardon goes with the last failure that it is about.
	if err := j.Prune(t.Context(), now.Add(2*time.Hour), turn); err != nil {
		t.Fatal(err)
	}
	var failures, pardons int
	if err := j.db.QueryRow(`SELECT (SELECT count(*) FROM failures), (SELECT count(*) FROM pardons)`).Scan(
		&failures, &pardons); err != nil || failures != 1 || pardons != 0 {
		t.Errorf("%d failures and %d pardons are left: %v", failures, pardons, err)
	}
}

// TestPruneTurns at each step: deleting much takes longer than a watchdog waits.
func TestPruneTurns(t *testing.T) {
	j := open(t, tempPath(t), Options{MaxAge: time.Hour})
	record(j, "odoo.log", "1", failures(0, 10*pruneRows)...)
	turns := 0
	if err := j.Prune(t.Context(), noon.AddDate(1, 0, 0), func() { turns++ }); err != nil || turns < 10 {
		t.Errorf("%d turns, %v", turns, err)
	}
}

// A write that failed is not called a read.
func TestPruneSaysWhatFailed(t *testing.T) {
	j := open(t, tempPath(t), Options{})
	if _, err := j.db.Exec(`PRAGMA query_only = ON`); err != nil {
		t.Fatal(err)
	}
	if err := j.Prune(t.Context(), noon, turn); err == nil || !strings.HasPrefix(err.Error(), "prune journal "+j.path) {
		t.Errorf("error is %v", err)
	}
}

func TestPruneEndsWithItsContext(t *testing.T) {
	j := open(t, tempPath(t), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Prune(ctx, noon, turn); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}
