package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/config"
	"odooban/internal/engine"
	"odooban/internal/finding"
	"odooban/internal/store"
)

// That an alarm is over is told, and is none.
func TestAlarmsThatAreOver(t *testing.T) {
	var log bytes.Buffer
	l := newLogbook(config.Log{Format: "json", Level: "info"}, &log)
	l.Alarmed(engine.Alarm{Code: finding.Unattributed, Source: "odoo.log", Text: "no addresses", Cure: "x", Count: 7, Over: true})
	got := log.String()
	for _, want := range []string{`"level":"info"`, `"over":"unattributed"`, `"source":"odoo.log"`, `"count":7`, `no addresses`} {
		if !strings.Contains(got, want) {
			t.Errorf("log %s lacks %s", got, want)
		}
	}
	if strings.Contains(got, `"alarm"`) {
		t.Errorf("an alarm is over: %s", got)
	}
}

// What happens to the journal is told with codes of the catalogue, in the same
// order each time, and an outage until it is over, which is no alarm.
func TestAlarmsOfTheJournal(t *testing.T) {
	var log bytes.Buffer
	l := newLogbook(config.Log{Format: "json", Level: "info"}, &log)
	path := filepath.Join(t.TempDir(), "odooban.db")
	if err := os.WriteFile(path, []byte("this is no database, and long enough to say so to everybody"), 0o600); err != nil {
		t.Fatal(err)
	}
	journal, err := store.Open(path, store.Options{Tell: l.journal})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { journal.Close() })
	codes := func(alarms []engine.Alarm) (codes []string) {
		for _, a := range alarms {
			codes = append(codes, a.Code)
		}
		return codes
	}
	l.journal(store.Event{Code: store.OutageBegan, Text: "it is full"})
	both := []string{finding.JournalDamaged, finding.JournalOutage}
	for range 20 {
		if diff := cmp.Diff(both, codes(l.lasting())); diff != "" {
			t.Fatalf("alarms (-want +got):\n%s", diff)
		}
	}
	log.Reset()
	l.journal(store.Event{Code: store.OutageEnded, Text: "it is written"})
	if got := log.String(); !strings.Contains(got, `"level":"info"`) || strings.Contains(got, "alarm") {
		t.Errorf("the end is told as %s", got)
	}
	if diff := cmp.Diff(both[:1], codes(l.lasting())); diff != "" {
		t.Errorf("alarms after the outage (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(both, codes(l.happened())); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
}
