package replay_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"odooban/internal/journaldtest"
	"odooban/internal/replay"
	"odooban/watcher"
	"odooban/watcher/journald"
)

// runUnit writes a log, so many records at a time, while a daemon follows the
// journal. It returns what a replay of the same log bans, too.
func runUnit(t *testing.T, j *journaldtest.Journald, records []record, batch int) (*daemon, []replay.Ban) {
	t.Helper()
	s := &server{t: t, file: j.OpenFile()}
	since := time.Now()
	d := followSource(t, s, true, func(alarm watcher.Alarm) watcher.Source {
		return journald.New(j.Unit, since, alarm)
	})
	var log strings.Builder
	for part := range slices.Chunk(records, batch) {
		for i, r := range part {
			part[i].text = strings.ReplaceAll(r.text, "\n\n", "\n") // journald keeps no empty lines
			log.WriteString(part[i].text)
		}
		s.write(part...)
		d.awaitSettled(t, s.lines)
	}
	path := filepath.Join(t.TempDir(), "odoo.log")
	if err := os.WriteFile(path, []byte(log.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return d, replayed(t, path)
}

// A log gives the same bans from systemd's journal as from a file.
func TestJournalAndReplayGiveTheSameBans(t *testing.T) {
	j := journaldtest.Start(t)
	for name, records := range histories(t) {
		if name == "forgeries" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			d, want := runUnit(t, j, records, len(records))
			wantSame(t, d, want, 0)
		})
	}
}

// Forged records blame nobody there, though what comes together may be read in
// pieces.
func TestForgeriesInJournalBlameNobody(t *testing.T) {
	d, want := runUnit(t, journaldtest.Start(t), forgeries(rand.New(rand.NewPCG(3, 4)), 40), 10)
	wantNobodyBlamed(t, d, want)
}
