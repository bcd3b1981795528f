package store

import (
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
	if err := migrate(j.db.DB, version(), broken); err == nil || !strings.Contains(err.Error(), "to version 3: ") {
		t.Errorf("error of a migration that fails is %v", err)
	}
	if got := version(); got != 1 {
		t.Errorf("version is %d after a migration that failed", got)
	}
	better := append(migrations(), `CREATE TABLE half (id INTEGER)`, `ALTER TABLE half ADD COLUMN name TEXT`)
	if err := migrate(j.db.DB, version(), better); err != nil || version() != 3 {
		t.Errorf("version is %d: %v", version(), err)
	}
	if got := len(all(t, j)); got != 1 {
		t.Errorf("%d failures are left", got)
	}
}
