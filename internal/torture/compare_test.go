package torture

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/netip"
	"os/exec"
	"slices"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// failure is a failed attempt, as the journal and a replay tell of it.
type failure struct {
	Time time.Time  `json:"time"`
	Addr netip.Addr `json:"addr"`
	User string     `json:"user"`
	DB   string     `json:"db"`
	Rule string     `json:"rule"`
}

// ban is a ban, as the journal and a replay tell of it.
type ban struct {
	Prefix   netip.Prefix `json:"prefix"`
	Rule     string       `json:"rule"`
	Time     time.Time    `json:"time"`
	Until    time.Time    `json:"until"`
	Failures int          `json:"failures"`
}

// wantTruth wants every attempt in the journal exactly once, and the failures and bans that an undisturbed replay of
// the same lines gives. mixed is as in rotation.
func (s *site) wantTruth(w *writer, mixed bool) {
	s.t.Helper()
	truth := w.ended()
	got := s.journalFailures()
	times := make(map[string]int)
	for _, f := range got {
		times[f.User]++
	}
	lost, doubled := 0, 0
	for n := range w.next {
		switch k := times[user(n)]; {
		case k == 0:
			lost++
		case k > 1:
			doubled++
		}
	}
	s.t.Logf("%d failures, %d kills: lost %d, doubled %d", w.next, s.kills, lost, doubled)
	if lost+doubled > 0 || len(got) != w.next {
		s.t.Errorf("lost %d, doubled %d of %d failures; %d in the journal", lost, doubled, w.next, len(got))
	}
	if diff := gocmp.Diff(s.replayFailures(truth), got, gocmp.Comparer(sameAddr)); diff != "" {
		s.t.Errorf("failures (-replay +journal):\n%.2000s", diff)
	}
	want, bans := s.replayBans(truth), s.journalBans()
	if len(want) < w.next/(tries+1) {
		s.t.Errorf("%d bans of %d failures are too few for a test", len(want), w.next)
	}
	if mixed {
		forgetTimes(want)
		forgetTimes(bans)
	}
	if diff := gocmp.Diff(want, bans, gocmp.Comparer(sameAddr), gocmp.Comparer(samePrefix)); diff != "" {
		s.t.Errorf("bans (-replay +journal):\n%.2000s", diff)
	}
}

func sameAddr(a, b netip.Addr) bool     { return a == b }
func samePrefix(a, b netip.Prefix) bool { return a == b }

// forgetTimes leaves of bans what does not depend on the order of reading.
func forgetTimes(bans []ban) {
	for i := range bans {
		bans[i].Time, bans[i].Until = time.Time{}, time.Time{}
	}
}

func (s *site) journalFailures() (all []failure) {
	s.t.Helper()
	rows, err := s.journal.Query(`SELECT time, addr, user, db, rule FROM failures`)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var f failure
		var at int64
		var addr string
		if err := rows.Scan(&at, &addr, &f.User, &f.DB, &f.Rule); err != nil {
			s.t.Fatal(err)
		}
		f.Time, f.Addr = time.UnixMilli(at).UTC(), netip.MustParseAddr(addr)
		all = append(all, f)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return inOrder(all)
}

func (s *site) journalBans() (all []ban) {
	s.t.Helper()
	rows, err := s.journal.Query(`SELECT prefix, rule, time, until, failures FROM bans`)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var b ban
		var at, until int64
		var prefix string
		if err := rows.Scan(&prefix, &b.Rule, &at, &until, &b.Failures); err != nil {
			s.t.Fatal(err)
		}
		b.Prefix, b.Time, b.Until = netip.MustParsePrefix(prefix), time.UnixMilli(at).UTC(), time.UnixMilli(until).UTC()
		all = append(all, b)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return bansInOrder(all)
}

func (s *site) replayFailures(log string) (all []failure) {
	s.t.Helper()
	for in := json.NewDecoder(bytes.NewReader(s.replay("--failures", log))); ; {
		var f failure
		err := in.Decode(&f)
		if err == io.EOF {
			return inOrder(all)
		}
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, f)
	}
}

func (s *site) replayBans(log string) []ban {
	s.t.Helper()
	var report struct{ Bans []ban }
	if err := json.Unmarshal(s.replay("--json", log), &report); err != nil {
		s.t.Fatal(err)
	}
	return bansInOrder(report.Bans)
}

func (s *site) replay(args ...string) []byte {
	s.t.Helper()
	cmd := exec.Command(s.program, append([]string{"replay"}, args...)...)
	cmd.Env = s.environment()
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func inOrder(all []failure) []failure {
	slices.SortFunc(all, func(a, b failure) int { return cmp.Or(cmp.Compare(a.User, b.User), a.Time.Compare(b.Time)) })
	return all
}

func bansInOrder(all []ban) []ban {
	slices.SortFunc(all, func(a, b ban) int { return cmp.Or(a.Prefix.Compare(b.Prefix), a.Time.Compare(b.Time)) })
	return all
}
