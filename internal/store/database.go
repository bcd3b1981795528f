package store

import (
	"database/sql"
	"net/url"

	"modernc.org/sqlite"

	"odooban/internal/printable"
)

// database is the open file: one connection, and the statements of an Update.
type database struct {
	*sql.DB
	// readOnly is of one that stands in until the file can be written.
	readOnly bool

	known, reach, alike                       *sql.Stmt
	putSource, putFailure, putBan, liftPrefix *sql.Stmt
	putPardon                                 *sql.Stmt
}

// settings hold for the connection. Waiting for another's lock is short because
// bans wait, too: it is an outage like others. Not synced at every commit (NORMAL
// in WAL mode), the file loses the last Updates when the power fails, each of
// them with its position, and they are read again from the log.
const settings = "_pragma=busy_timeout(200)&_pragma=synchronous(NORMAL)" +
	"&_pragma=foreign_keys(ON)&_pragma=cache_size(-16384)&_pragma=journal_size_limit(8388608)&_txlock=immediate"

// openDatabase opens the file, brings it to our version and checks it.
func openDatabase(path string) (*database, error) {
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: settings}
	connector, err := sqlite.NewConnector(name.String())
	if err != nil {
		return nil, err
	}
	db := &database{DB: sql.OpenDB(connector)}
	db.SetMaxOpenConns(1)
	if err := db.setUp(); err != nil {
		db.close()
		return nil, err
	}
	return db, nil
}

// close ends the connection; SQLite moves what is in the WAL to the file first.
// What fails there is done at the next opening.
func (db *database) close() {
	_ = db.Close()
}

func (db *database) setUp() error {
	version, err := checkSchema(db.DB)
	if err != nil {
		return err
	}
	if version == 0 { // it can be chosen only before the first write
		if _, err := db.Exec(`PRAGMA auto_vacuum = INCREMENTAL`); err != nil {
			return err
		}
	}
	if _, err := db.Exec(`PRAGMA journal_mode = WAL`); err != nil {
		return err
	}
	if err := migrate(db.DB, version, migrations()); err != nil {
		return err
	}
	return db.prepare()
}

func (db *database) prepare() error {
	for _, s := range []struct {
		statement **sql.Stmt
		query     string
	}{
		{&db.known, `SELECT key, rule FROM failures WHERE source = (SELECT id FROM sources WHERE name = ?)
			AND key IN (SELECT value FROM json_each(?))`},
		{&db.reach, `SELECT coalesce(max(CAST(substr(key, length(?2) + 1) AS INTEGER)), 0) FROM failures
			WHERE source = (SELECT id FROM sources WHERE name = ?1) AND key BETWEEN ?2 AND ?2 || '~'`},
		{&db.alike, selectFailure + ` WHERE f.id IN (SELECT id FROM failures INDEXED BY failures_time WHERE time = ?)
			AND f.rule = ? AND f.addr = ? AND f.db = ?`},
		{&db.putSource, `INSERT INTO sources (name, position, updated) VALUES (?, ?, unixepoch() * 1000)
			ON CONFLICT DO UPDATE SET position = excluded.position, updated = excluded.updated RETURNING id`},
		{&db.putFailure, `INSERT INTO failures (source, key, rule, time, addr, ip, user, db)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`},
		{&db.putBan, `INSERT INTO bans (prefix, ip, rule, time, until, failures, lifted)
			VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`},
		{&db.putPardon, `INSERT INTO pardons (first, last, time, failure)
			VALUES (?, ?, ?, (SELECT coalesce(max(id), 0) FROM failures))`},
		{&db.liftPrefix, `UPDATE bans SET lifted = ?2 WHERE prefix = ?1 AND until > ?2 AND lifted IS NULL`},
	} {
		statement, err := db.Prepare(s.query) //nolint:sqlclosecheck // it ends with the connection
		if err != nil {
			return err
		}
		*s.statement = statement
	}
	return nil
}

// write writes all of s in one transaction.
func (db *database) write(s *staged) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	ids, err := db.writePositions(tx, s)
	if err != nil {
		return err
	}
	if err := db.writeBans(tx, s); err != nil {
		return err
	}
	// A pardon is about the failures before it.
	pardon := tx.Stmt(db.putPardon)
	defer func() { _ = pardon.Close() }()
	begin := 0
	for _, p := range s.pardons {
		if err := db.writeFailures(tx, ids, s.failures[begin:p.after]); err != nil {
			return err
		}
		begin = p.after
		if _, err := pardon.Exec(p.first[:], p.last[:], p.time.UnixMilli()); err != nil {
			return err
		}
	}
	if err := db.writeFailures(tx, ids, s.failures[begin:]); err != nil {
		return err
	}
	return tx.Commit()
}

// writeFailures needs the rows of their sources.
func (db *database) writeFailures(tx *sql.Tx, ids map[string]int64, failures []Failure) error {
	put := tx.Stmt(db.putFailure)
	defer func() { _ = put.Close() }()
	for i := range failures {
		f := &failures[i]
		ip := f.Addr.As16()
		if _, err := put.Exec(ids[f.Source], placeText(f.Place), printable.Text(f.Rule), f.Time.UnixMilli(),
			addrText(f.Addr), ip[:], printable.Text(f.User), printable.Text(f.DB)); err != nil {
			return err
		}
	}
	return nil
}

// writePositions returns the rows of the sources, by name.
func (db *database) writePositions(tx *sql.Tx, s *staged) (map[string]int64, error) {
	ids := make(map[string]int64, len(s.positions))
	put := tx.Stmt(db.putSource)
	defer func() { _ = put.Close() }()
	for source, position := range s.positions {
		var id int64
		if err := put.QueryRow(printable.Text(source), printable.Text(position)).Scan(&id); err != nil {
			return nil, err
		}
		ids[source] = id
	}
	return ids, nil
}

// writeBans lifts first: a ban that began after that knows by itself whether it
// was lifted.
func (db *database) writeBans(tx *sql.Tx, s *staged) error {
	lift := tx.Stmt(db.liftPrefix)
	defer func() { _ = lift.Close() }()
	for prefix, at := range s.lifts {
		if _, err := lift.Exec(prefixText(prefix), at.UnixMilli()); err != nil {
			return err
		}
	}
	put := tx.Stmt(db.putBan)
	defer func() { _ = put.Close() }()
	for i := range s.bans {
		b := &s.bans[i]
		ip := b.Prefix.Addr().As16()
		lifted := sql.NullInt64{Int64: b.Lifted.UnixMilli(), Valid: !b.Lifted.IsZero()}
		if _, err := put.Exec(prefixText(b.Prefix), ip[:], printable.Text(b.Rule), b.Time.UnixMilli(), b.Until.UnixMilli(),
			b.Failures, lifted); err != nil {
			return err
		}
	}
	return nil
}
