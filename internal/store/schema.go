package store

import (
	"database/sql"
	"errors"
	"fmt"
)

// applicationID marks an SQLite file as ours: "odbn".
const applicationID = 0x6f64626e

// errUnsound is about a file whose pages contradict each other.
var errUnsound = errors.New("database is not sound")

// migrations lead from each version of the schema to the next; the version of a
// file, its user_version, is how many of them it has seen. One that was released
// is never changed.
func migrations() []string {
	return []string{version1, version2}
}

// version1 keeps times as milliseconds since 1970, UTC. ip, 16 bytes, is an
// address, or the first of a prefix, in the order of addresses. The views are
// for people.
const version1 = `
CREATE TABLE sources (
	id       INTEGER PRIMARY KEY,
	name     TEXT    NOT NULL UNIQUE,
	position TEXT    NOT NULL,
	updated  INTEGER NOT NULL
) STRICT;

CREATE TABLE failures (
	id     INTEGER PRIMARY KEY,
	source INTEGER NOT NULL REFERENCES sources (id),
	key    TEXT    NOT NULL,
	rule   TEXT    NOT NULL,
	time   INTEGER NOT NULL,
	addr   TEXT    NOT NULL,
	ip     BLOB    NOT NULL,
	user   TEXT    NOT NULL,
	db     TEXT    NOT NULL,
	UNIQUE (source, key, rule)
) STRICT;
CREATE INDEX failures_time ON failures (time);
CREATE INDEX failures_ip ON failures (ip);

CREATE TABLE bans (
	id       INTEGER PRIMARY KEY,
	prefix   TEXT    NOT NULL,
	ip       BLOB    NOT NULL,
	rule     TEXT    NOT NULL,
	time     INTEGER NOT NULL,
	until    INTEGER NOT NULL,
	failures INTEGER NOT NULL,
	lifted   INTEGER,
	UNIQUE (prefix, time, rule)
) STRICT;
CREATE INDEX bans_until ON bans (until);
CREATE INDEX bans_ip ON bans (ip);

CREATE VIEW failure_log AS
	SELECT f.id, strftime('%Y-%m-%d %H:%M:%f', f.time / 1000.0, 'unixepoch') AS time,
		f.rule, f.addr, f.user, f.db, s.name AS source, f.key
	FROM failures AS f JOIN sources AS s ON s.id = f.source;

CREATE VIEW ban_log AS
	SELECT id, strftime('%Y-%m-%d %H:%M:%f', time / 1000.0, 'unixepoch') AS time,
		strftime('%Y-%m-%d %H:%M:%f', until / 1000.0, 'unixepoch') AS until,
		prefix, rule, failures, strftime('%Y-%m-%d %H:%M:%f', lifted / 1000.0, 'unixepoch') AS lifted
	FROM bans;
`

// version2 remembers which failures people have forgiven: those of the addresses
// from first to last, both as in ip, up to the id that was the last then.
const version2 = `
CREATE TABLE pardons (
	id      INTEGER PRIMARY KEY,
	first   BLOB    NOT NULL,
	last    BLOB    NOT NULL,
	time    INTEGER NOT NULL,
	failure INTEGER NOT NULL
) STRICT;
`

// checkSchema refuses a file that is not a journal, or a journal we do not
// understand, and returns its version. Nothing is changed.
func checkSchema(db *sql.DB) (version int, err error) {
	var id, tables int
	err = db.QueryRow(`SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&id, &version, &tables)
	known := len(migrations())
	switch {
	case err != nil:
		return 0, err
	case id == 0 && version == 0 && tables == 0:
		return 0, nil
	case id != applicationID || version < 1:
		return 0, errors.New("it is a database of another program: give the journal another path")
	case version > known:
		return 0, fmt.Errorf("a newer odooban wrote it (version %d, known are up to %d): upgrade odooban, "+
			"or move the file away to begin a new one", version, known)
	}
	return version, checkPages(db)
}

// checkPages reads the whole file.
func checkPages(db *sql.DB) error {
	var finding string
	if err := db.QueryRow(`PRAGMA quick_check(1)`).Scan(&finding); err != nil {
		return err
	}
	if finding != "ok" {
		return fmt.Errorf("%w: %s", errUnsound, finding)
	}
	return nil
}

// migrate brings a file from a version to the last one that the scripts lead to,
// wholly or not at all.
func migrate(db *sql.DB, version int, scripts []string) error {
	if version == len(scripts) {
		return nil
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for i, script := range scripts[version:] {
		if _, err := tx.Exec(script); err != nil {
			return fmt.Errorf("bring journal to version %d: %w", version+i+1, err)
		}
	}
	mark := fmt.Sprintf(`PRAGMA application_id = %d; PRAGMA user_version = %d`, applicationID, len(scripts))
	if _, err := tx.Exec(mark); err != nil {
		return err
	}
	return tx.Commit()
}
