package store

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMigrate goes through a version that is to come.
func TestMigrate(t *testing.T) {
	path := tempPath(t)
	j := open(t, path, Options{})
	record(j, "odoo.log", "1", failure(1))
	version := func() (n int) {
		if err := j.db.QueryRow(`PRAGMA user_version`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	broken := append(migrations(), `CREATE TABLE half (id INTEGER)`, `CREATE TABLE half (id INTEGER)`)
	if err := migrate(j.db.DB, version(), broken); err == nil || !strings.Contains(err.Error(), "to version 4: ") {
		t.Errorf("error of a migration that fails is %v", err)
	}
	if got := version(); got != 2 {
		t.Errorf("version is %d after a migration that failed", got)
	}
	better := append(migrations(), `CREATE TABLE half (id INTEGER)`, `ALTER TABLE half ADD COLUMN name TEXT`)
	if err := migrate(j.db.DB, version(), better); err != nil || version() != 4 {
		t.Errorf("version is %d: %v", version(), err)
	}
	if got := len(all(t, j)); got != 1 {
		t.Errorf("%d failures are left", got)
	}
}

// A file of each version that was released is brought to ours with what is in it.
func TestUpgrade(t *testing.T) {
	path := tempPath(t)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := claimFile(path); err != nil {
		t.Fatal(err)
	}
	old, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		version1,
		`INSERT INTO sources VALUES (1, 'odoo.log', '7', 0)`,
		`INSERT INTO failures VALUES (1, 1, 'a', 'odoo-login', 1, '203.0.113.7', x'00000000000000000000ffffcb007107', 'admin', 'db')`,
		fmt.Sprintf(`PRAGMA application_id = %d`, applicationID),
		`PRAGMA user_version = 1`,
	} {
		if _, err := old.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	j := open(t, path, Options{})
	if got := all(t, j); len(got) != 1 || position(t, j, "odoo.log") != "7" {
		t.Errorf("failures %v", got)
	}
}
