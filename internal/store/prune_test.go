package store

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
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
	if err := j.Prune(t.Context(), noon.Add(time.Hour+3000*time.Second)); err != nil {
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
	if err := j.Prune(t.Context(), time.Now().AddDate(1, 0, 0)); err != nil {
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
	if err := j.Prune(t.Context(), noon); err != nil {
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

func TestPruneEndsWithItsContext(t *testing.T) {
	j := open(t, tempPath(t), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Prune(ctx, noon); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}
