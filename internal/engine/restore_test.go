package engine

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/jail"
	"odooban/rules"
)

// Bans to which stricter policies lead in what was counted before are told and
// counted like others, once.
func TestBansOfStricterPoliciesAreTold(t *testing.T) {
	journal, firewall := openJournal(t), held()
	e := restored(t, journal, firewall)
	seen(t, e, "203.0.113.20", 0, 2)
	for _, tt := range []struct {
		name string
		told []string
		bans uint64
	}{
		{"a reload", []string{"log: banned 203.0.113.20/32"}, 1},
		{"another", nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j, err := jail.New(jail.Options{
				Policies: []jail.Policy{{Rule: rules.LoginRule, MaxRetry: 2, FindTime: time.Minute, BanTime: 15 * time.Minute}},
			})
			if err != nil {
				t.Fatal(err)
			}
			var told diary
			e := New(j, firewall, &told)
			if err := e.Restore(t.Context(), journal, start); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.told, told.entries); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if got := e.Status().Jails[0].Bans; got != tt.bans {
				t.Errorf("%d bans are counted, want %d", got, tt.bans)
			}
			if diff := cmp.Diff([]string{"203.0.113.20/32"}, inForce(t, firewall)); diff != "" {
				t.Errorf("in force (-want +got):\n%s", diff)
			}
		})
	}
}
