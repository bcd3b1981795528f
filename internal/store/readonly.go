package store

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"modernc.org/sqlite"
)

// Read opens a journal to read from, whoever else has it open. The methods that
// write must not be called. Nothing is changed, so a file of an older odooban or
// a damaged one stays as it is. That there is no file is fs.ErrNotExist.
func Read(path string) (*Journal, error) {
	if _, err := os.Stat(path); err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("read journal: %w; try again with sudo", err)
		}
		return nil, fmt.Errorf("read journal: %w", err)
	}
	db, _, err := readDatabase(path, "mode=ro")
	if err != nil {
		return nil, fmt.Errorf("read journal %s: %w", path, err)
	}
	return &Journal{path: path, opts: Options{}.withDefaults(), staged: newStaged(), db: db, reading: true}, nil
}

// standIn opens the file to read from until it can be opened to write, for which
// SQLite has to make others beside it. It can do without them as long as there is
// nothing in the WAL that the file does not have.
func (j *Journal) standIn() error {
	db, version, err := readDatabase(j.path, "mode=ro")
	if info, missing := os.Stat(j.path + "-wal"); err != nil && (missing != nil || info.Size() == 0) {
		db, version, err = readDatabase(j.path, "immutable=1")
	}
	if err != nil {
		return err
	}
	if version < len(migrations()) {
		db.close()
		return errors.New("an older odooban wrote it")
	}
	if err := db.prepare(); err != nil {
		db.close()
		return err
	}
	db.readOnly = true
	j.db = db
	return nil
}

// readDatabase opens the file to read from, and returns its version, too.
func readDatabase(path, how string) (db *database, version int, err error) {
	name := url.URL{
		Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(),
		RawQuery: how + "&_pragma=busy_timeout(200)&_pragma=query_only(ON)",
	}
	connector, err := sqlite.NewConnector(name.String())
	if err != nil {
		return nil, 0, err
	}
	db = &database{DB: sql.OpenDB(connector)}
	db.SetMaxOpenConns(1)
	version, err = checkSchema(db.DB)
	if err == nil && version == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		db.close()
		return nil, 0, err
	}
	return db, version, nil
}
