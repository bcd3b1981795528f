package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
)

// failed is a record of a failed login at a millisecond, access the answer to it.
func failed(milli int, addr string) string {
	return fmt.Sprintf("2026-11-23 10:45:45,%03d 401 INFO shop odoo.addons.base.models.res_users: Login failed for login:a from %s ",
		milli, addr)
}

func answered(milli int, addr string) string {
	return fmt.Sprintf("2026-11-23 10:45:45,%03d 401 INFO shop werkzeug: %s - - [23/Nov/2026 10:45:45] "+
		"\"POST /web/login HTTP/1.1\" 200 - 5 0.001 0.003", milli, addr)
}

// Several lines are judged together, and each is told in its order with the reason
// why it does not count.
func TestTrial(t *testing.T) {
	const nobody = "n/a"
	tests := []struct {
		name  string
		lines []string
		want  []rules.Reason // of each line, "" counts
	}{
		{"nothing", nil, nil},
		{"one alone is as it looks", []string{failed(1, nobody)}, []rules.Reason{""}},
		{
			"with their answers",
			[]string{failed(1, "203.0.113.7"), answered(2, "203.0.113.7"), failed(501, "203.0.113.8"), answered(502, "203.0.113.8")},
			[]rules.Reason{"", "", "", ""},
		},
		{
			"of nobody",
			[]string{failed(1, nobody), failed(501, "203.0.113.8"), answered(502, "203.0.113.8")},
			[]rules.Reason{"no-address", "", ""},
		},
	}
	set, err := rules.Compile(rules.BuiltIn(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []rules.Reason
			trial := newTrial(set, time.Now(), func(e explained) error {
				reason := rules.Reason("")
				if e.Rejected != nil {
					reason = e.Rejected.Reason
					if e.Rejected.Title == "" || e.Rejected.Cure == "" {
						t.Errorf("%+v lacks something", e.Rejected)
					}
				}
				got = append(got, reason)
				return nil
			})
			for _, line := range tt.lines {
				if err := trial.line([]byte(line)); err != nil {
					t.Fatal(err)
				}
			}
			if err := trial.end(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

// A trial keeps no more than the lines that are not decided yet.
func TestTrialIsBounded(t *testing.T) {
	set, err := rules.Compile(rules.BuiltIn(), nil)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	trial := newTrial(set, time.Now(), func(explained) error {
		told++
		return nil
	})
	line := []byte("nonsense" + strings.Repeat("x", 10_000))
	for range 1000 {
		if err := trial.line(line); err != nil {
			t.Fatal(err)
		}
	}
	if most := trialAhead/len(line) + 1; len(trial.waiting) > most || told+len(trial.waiting) != 1000 {
		t.Errorf("%d told and %d waiting, want at most %d to wait", told, len(trial.waiting), most)
	}
	if err := trial.end(); err != nil || told != 1000 {
		t.Errorf("%d told: %v", told, err)
	}
}
