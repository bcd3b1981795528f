package store

import (
	"bytes"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"testing"
	"time"
)

// A journal can be read while another has it open, and after it was closed.
func TestRead(t *testing.T) {
	path := tempPath(t)
	if _, err := Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read nothing: %v", err)
	}
	j := open(t, path, Options{})
	record(j, "odoo.log", "1", failures(0, 3)...)
	j.Update(func(tx *Tx) { tx.Ban(ban("203.0.113.0/24", 0)) })
	for _, state := range []string{"open", "closed"} {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		h, err := r.History(netip.MustParsePrefix("203.0.113.2/32"))
		if err != nil || len(h.Failures) != 1 || len(h.Bans) != 1 {
			t.Errorf("%s: %+v, %v", state, h, err)
		}
		if bans, err := r.Bans(noon); err != nil || len(bans) != 1 {
			t.Errorf("%s: %v, %v", state, bans, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
			t.Errorf("%s: reading has changed the file: %v", state, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A damaged file stays where it is.
func TestReadDamaged(t *testing.T) {
	path := tempPath(t)
	j := open(t, path, Options{})
	record(j, "odoo.log", "1", failures(0, 200)...)
	if err := j.Prune(t.Context(), time.Time{}, turn); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("this is no database, and long enough to say so to everybody"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
