package store

import (
	"context"
	"fmt"
	"time"
)

// Prune works in steps of so many rows and pages, so that no Update waits long.
const (
	pruneRows  = 500
	prunePages = 250
)

// Prune deletes what is older than MaxAge at now, or more than MaxRows, and gives
// the room back to the disk. It also writes what an outage has left to write. It
// is to be called about once an hour. Each step, of which there may be thousands,
// ends with a call of turn.
func (j *Journal) Prune(ctx context.Context, now time.Time, turn func()) error {
	j.locked(func() {
		if j.outage.err != nil {
			j.flush()
		}
	})
	oldest := now.Add(-j.opts.MaxAge).UnixMilli()
	for _, step := range []struct {
		statement string
		args      []any
	}{
		// The newest stays: its id would be given again, to one that no pardon is about.
		{`DELETE FROM failures WHERE id IN (SELECT id FROM failures
			WHERE time < ? AND +id < (SELECT max(id) FROM failures) LIMIT ?)`, []any{oldest, pruneRows}},
		{`DELETE FROM failures WHERE id IN (SELECT id FROM failures
			WHERE id <= (SELECT max(id) FROM failures) - ? LIMIT ?)`, []any{j.opts.MaxRows, pruneRows}},
		{`DELETE FROM pardons WHERE id IN (SELECT id FROM pardons AS p
			WHERE NOT EXISTS (SELECT 1 FROM failures WHERE id <= p.failure) LIMIT ?)`, []any{pruneRows}},
		{`DELETE FROM bans WHERE id IN (SELECT id FROM bans WHERE until < ? LIMIT ?)`, []any{oldest, pruneRows}},
		{`DELETE FROM bans WHERE id IN (SELECT id FROM bans
			WHERE id <= (SELECT max(id) FROM bans) - ? LIMIT ?)`, []any{j.opts.MaxRows, pruneRows}},
		{`DELETE FROM sources WHERE id IN (SELECT id FROM sources AS s WHERE updated < ?
			AND NOT EXISTS (SELECT 1 FROM failures WHERE source = s.id) LIMIT ?)`, []any{oldest, pruneRows}},
	} {
		remove := func(db *database) (bool, error) { return db.delete(step.statement, step.args) }
		if err := j.repeat(ctx, turn, remove); err != nil {
			return err
		}
	}
	return j.repeat(ctx, turn, (*database).shrink)
}

// repeat runs steps, each under the lock, until one says that there are no more,
// unless the file cannot be written for the time being.
func (j *Journal) repeat(ctx context.Context, turn func(), step func(*database) (more bool, err error)) error {
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		j.locked(func() {
			if more = j.db != nil && !j.db.readOnly; more {
				more, err = step(j.db)
				err = j.done("prune", err)
			}
		})
		if err != nil {
			return err
		}
		turn()
	}
	return nil
}

func (db *database) delete(statement string, args []any) (more bool, err error) {
	result, err := db.Exec(statement, args...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// shrink gives free pages back to the disk, and at last those of the WAL.
func (db *database) shrink() (more bool, err error) {
	var free int
	if err := db.QueryRow(`PRAGMA freelist_count`).Scan(&free); err != nil {
		return false, err
	}
	if free > 0 {
		_, err := db.Exec(fmt.Sprintf(`PRAGMA incremental_vacuum(%d)`, prunePages))
		return err == nil, err
	}
	_, err = db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	return false, err
}
