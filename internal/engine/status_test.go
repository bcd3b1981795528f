package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/finding"
	"odooban/rules"
	"odooban/watcher"
)

// scripted is a source that does what a test says.
type scripted struct {
	name   string
	follow func(watcher.Sink) error
}

func (s scripted) Name() string { return s.name }

func (s scripted) Follow(_ context.Context, sink watcher.Sink) error { return s.follow(sink) }

// A source's numbers are there while it is followed, those of the jails after it.
func TestStatus(t *testing.T) {
	e, _, _ := newTest(t)
	set, err := rules.Compile([]string{rules.LoginRule}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e.Trouble("a.log", errors.New("read a.log: permission denied"))
	e.Trouble("other/*.log", errors.New("find other/*.log: no file matches yet"))
	seen := start.Add(time.Second)
	var during Status
	source := scripted{"a.log", func(sink watcher.Sink) error {
		if got := e.Status().Sources[0]; got.Name != "a.log" || got.Trouble != "read a.log: permission denied" {
			t.Errorf("before the first line: %+v", got)
		}
		e.Trouble("a.log", nil)
		for i := range 3 {
			seen := seen.Add(time.Duration(i) * time.Second)
			text := seen.Format("2006-01-02 15:04:05,000") + " 1 INFO db odoo.addons.base.models.res_users: Login failed for db:db login:admin from 203.0.113.20"
			if err := sink.Line(watcher.Line{Text: []byte(text), Seen: seen}); err != nil {
				return err
			}
			for _, wait := range []time.Duration{watcher.SettleTime, rules.LonePatience} {
				if err := sink.Settled(seen.Add(wait)); err != nil {
					return err
				}
			}
		}
		during = e.Status()
		return nil
	}}
	if err := e.Follow(t.Context(), source, set, seen); err != nil {
		t.Fatal(err)
	}
	want := []SourceStatus{
		{
			Name: "a.log", Lines: 3, Failures: 3, Rules: map[string]Tally{rules.LoginRule: {Failures: 3, Bans: 1}},
			Began: seen, LastLine: seen.Add(2 * time.Second), LastRecord: seen.Add(2 * time.Second),
		},
		{Name: "other/*.log", Trouble: "find other/*.log: no file matches yet"},
	}
	if diff := cmp.Diff(want, during.Sources); diff != "" {
		t.Errorf("while it is followed (-want +got):\n%s", diff)
	}
	e.Trouble("other/*.log", nil)
	after := e.Status()
	forgetTimes(after.Alarms)
	if diff := cmp.Diff(Status{
		Jails: []JailStatus{{
			Rule: rules.LoginRule, MaxRetry: 3, FindTime: time.Minute, BanTime: 15 * time.Minute, Failures: 3, Bans: 1,
		}},
		Met: map[string]uint64{finding.SourceTrouble: 2},
		Alarms: []Alarm{
			{Code: finding.SourceTrouble, Source: "a.log", Text: "read a.log: permission denied", Count: 1},
			{Code: finding.SourceTrouble, Source: "other/*.log", Text: "find other/*.log: no file matches yet", Count: 1},
		},
	}, after); diff != "" {
		t.Errorf("after it (-want +got):\n%s", diff)
	}
}

// Each source's trouble is its own, whatever the texts have in common, and lasts
// until that source says that it is over.
func TestTroublesAreApart(t *testing.T) {
	e, _, _ := newTest(t)
	set, err := rules.Compile([]string{rules.LoginRule}, nil)
	if err != nil {
		t.Fatal(err)
	}
	troubles := func() map[string]string {
		all := make(map[string]string)
		for _, s := range e.Status().Sources {
			all[s.Name] = s.Trouble
		}
		return all
	}
	expect := func(what string, want map[string]string) {
		t.Helper()
		if diff := cmp.Diff(want, troubles()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	const denied = "read /srv/docker/a.log: permission denied"
	for _, name := range []string{"a.log", "b.log", "docker"} {
		e.Trouble(name, errors.New(denied))
	}
	e.Trouble("docker", nil)
	expect("one is over", map[string]string{"a.log": denied, "b.log": denied})
	e.Trouble("c.log", &watcher.LossError{Err: errors.New("resume c.log: lines may be missing")})
	expect("what is over when it is told", map[string]string{"a.log": denied, "b.log": denied})
	source := scripted{"a.log", func(sink watcher.Sink) error {
		if err := sink.Line(watcher.Line{Text: []byte("late, in the file before"), Seen: start}); err != nil {
			return err
		}
		expect("a late line", map[string]string{"a.log": denied, "b.log": denied})
		return nil
	}}
	if err := e.Follow(t.Context(), source, set, start); err != nil {
		t.Fatal(err)
	}
	expect("a source is gone", map[string]string{"b.log": denied})
}
