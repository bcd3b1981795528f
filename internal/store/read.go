package store

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"odooban/banner"
	"odooban/internal/printable"
)

const (
	// pageRows is how many failures are read at once, pageBans how many bans.
	pageRows = 1000
	pageBans = 10_000
)

// historyRows is how many failures, and how many bans, a History holds at most.
const historyRows = 1000

// read runs query, unless there is no file for the time being: then all there
// is is staged, and the people have been told.
func (j *Journal) read(query func(db *database) error) error {
	if j.db == nil {
		return nil
	}
	return j.done("read", query(j.db))
}

// done returns an error of what was done to the file. A damaged one is set aside.
func (j *Journal) done(verb string, err error) error {
	if err == nil {
		return nil
	}
	if damaged(err) && !j.reading {
		j.replace(err)
	}
	return fmt.Errorf("%s journal %s: %w", verb, j.path, err)
}

// Positions returns where reading each source goes on.
func (j *Journal) Positions() (map[string]string, error) {
	positions := make(map[string]string)
	var err error
	j.locked(func() {
		err = j.read(func(db *database) error {
			return each(db.Query(`SELECT name, position FROM sources`))(func(row *sql.Rows) error {
				var name, position string
				err := row.Scan(&name, &position)
				positions[printable.Original(name)] = printable.Original(position)
				return err
			})
		})
		maps.Copy(positions, j.staged.positions)
	})
	return positions, err
}

// Failures returns the failures from since on, by their time, in the order in
// which they were recorded, but for those that were pardoned. The journal may be
// used meanwhile.
func (j *Journal) Failures(ctx context.Context, since time.Time) iter.Seq2[Failure, error] {
	return func(yield func(Failure, error) bool) {
		for next := int64(-1); ; {
			page, last, err := j.page(ctx, since, next)
			if err != nil {
				yield(Failure{}, err)
				return
			}
			for _, f := range page {
				if !yield(f, nil) {
					return
				}
			}
			if last < 0 {
				return
			}
			next = last + 1
		}
	}
}

// page returns the failures with an id of next and more, or the first ones for
// a negative next, and the last id read; it is negative when there are no more.
// What is staged comes with the last page.
func (j *Journal) page(ctx context.Context, since time.Time, next int64) (page []Failure, last int64, err error) {
	j.locked(func() {
		err = j.read(func(db *database) error {
			var err error
			if next < 0 {
				err = db.QueryRowContext(ctx, `SELECT coalesce(min(id), 0) FROM failures INDEXED BY failures_time
					WHERE time >= ?`, since.UnixMilli()).Scan(&next)
			}
			if err == nil {
				page, last, err = selectFailures(db.QueryContext(ctx, selectFailure+`
					WHERE f.id >= ? AND +f.time >= ? AND NOT EXISTS (SELECT 1 FROM pardons AS p
						WHERE f.id <= p.failure AND f.ip BETWEEN p.first AND p.last)
					ORDER BY f.id LIMIT ?`, next, since.UnixMilli(), pageRows))
			}
			return err
		})
		full := len(page) == pageRows
		page = slices.DeleteFunc(page, func(f Failure) bool { return j.staged.pardoned(f.Addr, 0) })
		if err == nil && !full {
			last = -1
			page = append(page, j.staged.counting(since)...)
		}
	})
	return page, last, err
}

// Bans returns the bans that end after a time and were not lifted, in the order
// in which they were recorded.
func (j *Journal) Bans(after time.Time) (active []banner.Ban, err error) {
	for page, err := range j.AllBans(after) {
		if err != nil {
			return nil, err
		}
		for _, b := range page {
			if b.Lifted.IsZero() {
				active = append(active, b.Ban)
			}
		}
	}
	return active, nil
}

// AllBans returns the bans that were to end after a time, lifted or not, in the
// order in which they were recorded, page by page. The journal may be used
// meanwhile.
func (j *Journal) AllBans(after time.Time) iter.Seq2[[]Ban, error] {
	return func(yield func([]Ban, error) bool) {
		for last := int64(-1); ; {
			page, more, err := j.bansBehind(&last, after)
			if !yield(page, err) || !more || err != nil {
				return
			}
		}
	}
}

// bansBehind returns a page of the bans with an id greater than last, which it
// moves on, and whether more may follow. What is staged comes with the last page.
func (j *Journal) bansBehind(last *int64, after time.Time) (page []Ban, more bool, err error) {
	j.locked(func() {
		err = j.read(func(db *database) error {
			var err error
			page, *last, err = selectBans(db.Query(selectBan+` WHERE id > ? AND until > ? ORDER BY id LIMIT ?`,
				*last, after.UnixMilli(), pageBans))
			return err
		})
		more = len(page) == pageBans
		page = j.withStaged(page, func(b Ban) bool { return !more && b.Until.After(after) })
	})
	return page, more, err
}

// Newest returns the time of the latest failure, or zero without any.
func (j *Journal) Newest() (newest time.Time, err error) {
	var millis sql.NullInt64
	j.locked(func() {
		err = j.read(func(db *database) error {
			return db.QueryRow(`SELECT max(time) FROM failures`).Scan(&millis)
		})
		if millis.Valid {
			newest = toTime(millis.Int64)
		}
		for _, f := range j.staged.failures {
			if f.Time.After(newest) {
				newest = f.Time
			}
		}
	})
	return newest, err
}

// withStaged does to bans of the file what is staged: lifts and more bans.
func (j *Journal) withStaged(bans []Ban, keep func(Ban) bool) []Ban {
	for i := range bans {
		b := &bans[i]
		if at, ok := j.staged.lifts[b.Prefix]; ok && b.Lifted.IsZero() && b.Until.After(at) {
			b.Lifted = at
		}
	}
	for _, b := range j.staged.bans {
		if keep(b) {
			bans = append(bans, b)
		}
	}
	return bans
}

// History is why a prefix was banned, in the order in which it was recorded.
type History struct {
	// Failures are those of the addresses in the prefix.
	Failures []Failure
	// Bans are those of the prefix itself, of what contains it and of what it
	// contains.
	Bans []Ban
}

// History returns the latest thousand failures and bans that concern a prefix.
func (j *Journal) History(prefix netip.Prefix) (History, error) {
	var h History
	var err error
	j.locked(func() {
		err = j.read(func(db *database) error {
			var err error
			h, err = db.history(prefix)
			return err
		})
		for _, f := range j.staged.failures {
			if prefix.Contains(f.Addr) {
				h.Failures = append(h.Failures, f)
			}
		}
		h.Bans = j.withStaged(h.Bans, func(b Ban) bool { return b.Prefix.Overlaps(prefix) })
	})
	h.Failures = h.Failures[max(0, len(h.Failures)-historyRows):]
	h.Bans = h.Bans[max(0, len(h.Bans)-historyRows):]
	return h, err
}

func (db *database) history(prefix netip.Prefix) (h History, err error) {
	first, last := ends(prefix)
	h.Failures, _, err = selectFailures(db.Query(selectFailure+`
		WHERE f.ip BETWEEN ? AND ? ORDER BY f.id DESC LIMIT ?`, first[:], last[:], historyRows))
	if err != nil {
		return h, err
	}
	slices.Reverse(h.Failures)
	args := []any{first[:], last[:]}
	for bits := range prefix.Bits() {
		wider, err := prefix.Addr().Prefix(bits)
		if err != nil {
			return h, err
		}
		args = append(args, prefixText(wider))
	}
	marks := strings.Repeat(",?", prefix.Bits())
	h.Bans, _, err = selectBans(db.Query(selectBan+` WHERE ip BETWEEN ? AND ? OR prefix IN (''`+marks+`)
		ORDER BY id DESC LIMIT ?`, append(args, historyRows)...))
	slices.Reverse(h.Bans)
	return h, err
}
