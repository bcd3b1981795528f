package store

import (
	"database/sql"
	"net/netip"

	"odooban/internal/printable"
)

const selectFailure = `SELECT f.id, s.name, f.key, f.rule, f.time, f.addr, f.user, f.db
	FROM failures AS f JOIN sources AS s ON s.id = f.source`

const selectBan = `SELECT id, prefix, rule, time, until, failures, lifted FROM bans`

// each returns a function that calls scan for each row of a query's result, and
// closes it. An address or prefix that somebody else wrote and that is none
// reads as the zero one.
func each(rows *sql.Rows, err error) func(scan func(*sql.Rows) error) error {
	return func(scan func(*sql.Rows) error) error {
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}

// selectFailures reads the result of a query that begins with selectFailure;
// last is the id of its last row.
func selectFailures(rows *sql.Rows, err error) (failures []Failure, last int64, _ error) {
	err = each(rows, err)(func(row *sql.Rows) error {
		var f Failure
		var time int64
		var key, addr string
		err := row.Scan(&last, &f.Source, &key, &f.Rule, &time, &addr, &f.User, &f.DB)
		for _, text := range []*string{&f.Source, &f.Rule, &f.User, &f.DB} {
			*text = printable.Original(*text)
		}
		f.Place, f.Time = placeOf(key), toTime(time)
		f.Addr, _ = netip.ParseAddr(addr)
		failures = append(failures, f)
		return err
	})
	return failures, last, err
}

// selectBans reads the result of a query that begins with selectBan; last is the
// id of its last row.
func selectBans(rows *sql.Rows, err error) (bans []Ban, last int64, _ error) {
	err = each(rows, err)(func(row *sql.Rows) error {
		var b Ban
		var time, until, failures int64 // what the driver has: to convert each takes long
		var prefix string
		var lifted sql.NullInt64
		err := row.Scan(&last, &prefix, &b.Rule, &time, &until, &failures, &lifted)
		b.Failures = int(failures)
		b.Prefix, _ = netip.ParsePrefix(prefix)
		b.Rule = printable.Original(b.Rule)
		b.Time, b.Until = toTime(time), toTime(until)
		if lifted.Valid {
			b.Lifted = toTime(lifted.Int64)
		}
		bans = append(bans, b)
		return err
	})
	return bans, last, err
}

// ends returns the first and the last address of a prefix, in 16 bytes.
func ends(prefix netip.Prefix) (first, last [16]byte) {
	prefix = prefix.Masked()
	first = prefix.Addr().As16()
	last = first
	bits := prefix.Bits()
	if prefix.Addr().Is4() {
		bits += 96
	}
	for i := bits; i < 128; i++ {
		last[i/8] |= 0x80 >> (i % 8)
	}
	return first, last
}
