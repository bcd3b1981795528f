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
	db, err := readDatabase(path)
	if err != nil {
		return nil, fmt.Errorf("read journal %s: %w", path, err)
	}
	return &Journal{path: path, opts: Options{}.withDefaults(), staged: newStaged(), db: db, reading: true}, nil
}

func readDatabase(path string) (*database, error) {
	name := url.URL{
		Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(),
		RawQuery: "mode=ro&_pragma=busy_timeout(200)&_pragma=query_only(ON)",
	}
	connector, err := sqlite.NewConnector(name.String())
	if err != nil {
		return nil, err
	}
	db := &database{DB: sql.OpenDB(connector)}
	db.SetMaxOpenConns(1)
	version, err := checkSchema(db.DB)
	if err == nil && version == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		db.close()
		return nil, err
	}
	return db, nil
}
