package rules_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
)

// slowLogin is a log in which a login holds so many lines that to read it takes
// seconds: line by line, read at that moment.
type slowLogin struct {
	lines []rules.Line
	at    time.Time
}

func (l *slowLogin) add(text string) {
	l.lines = append(l.lines, rules.Line{Text: []byte(text), Seen: l.at})
}

// pair is a failed login and its answer, as somebody writes them who knows process and
// moment.
func (l *slowLogin) pair(pid int, addr string) {
	stamp := l.at.Format("2006-01-02 15:04:05,000")
	l.add(fmt.Sprintf("%s %d INFO shop odoo.addons.base.models.res_users: Login failed for login:a from %s ", stamp, pid, addr))
	l.add(fmt.Sprintf("%s %d INFO shop werkzeug: %s - - [23/Nov/2026 10:00:00] \"POST /web/login HTTP/1.1\" 200 - 5 0.001 0.001",
		stamp, pid, addr))
}

// probe is an access line that is a failure by itself.
func (l *slowLogin) probe(pid int, addr string) {
	l.add(fmt.Sprintf(`%s %d INFO shop werkzeug: %s - - [23/Nov/2026 10:00:00] "POST /web/database/drop HTTP/1.1" 200 - 5 0.001 0.001`,
		l.at.Format("2006-01-02 15:04:05,000"), pid, addr))
}

// filler is lines that say nothing, read one after another until then.
func (l *slowLogin) filler(took time.Duration, size int) {
	const lines = 100
	for range lines {
		l.at = l.at.Add(took / lines)
		l.add(strings.Repeat("x", size/lines))
	}
}

// TestSlowLogin holds that nobody is accused by what a login holds that takes longer to
// read than records otherwise do.
func TestSlowLogin(t *testing.T) {
	const late = 900 * time.Millisecond
	tests := []struct {
		name   string
		behind time.Duration // after which it is no longer said when a line was read
		pid    int           // of what is forged; 401 is the forger's own
		parts  int
		took   time.Duration
		size   int
		want   []string
	}{
		{"all of it live", time.Hour, 402, 10, 5 * time.Second, 100 << 10, []string{"198.51.100.1"}},
		{"all of it live, a long one", time.Hour, 402, 10, 20 * time.Second, 5 << 20, nil},
		{"most of it read late", late, 402, 10, 5 * time.Second, 100 << 10, []string{"198.51.100.1"}},
		{"most of it read late, a long one", late, 402, 10, 5 * time.Second, 5 << 20, nil},
		{"more lines than a replay expects", late, 402, 400, 4 * time.Second, 1 << 10, []string{"198.51.100.1"}},
		{"more of its process than are remembered", time.Hour, 401, 5000, 50 * time.Millisecond, 1 << 10, []string{"198.51.100.1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := &slowLogin{at: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
			s := builtIn(t).NewScanner(l.at)
			var told []string
			tell := func(failures []rules.Failure) {
				for _, f := range failures {
					told = append(told, f.Addr.String())
				}
			}
			feed := func(behind time.Duration) {
				began := l.lines[0].Seen
				for _, line := range l.lines {
					if line.Seen.Sub(began) > behind {
						line.Seen = time.Time{}
					}
					tell(s.Feed(nil, line))
				}
				l.lines = nil
				l.at = l.at.Add(time.Second)
				tell(s.Settle(nil, l.at))
			}
			for _, pid := range []int{401, 402, 403, 401, 402, 403} {
				l.pair(pid, "203.0.113.1")
				feed(time.Hour)
			}
			told = nil

			l.add(l.at.Format("2006-01-02 15:04:05,000") +
				" 401 INFO shop odoo.addons.base.models.res_users: Login failed for login:x")
			end := l.at.Add(30 * time.Millisecond).Format("2006-01-02 15:04:05,000")
			for i := range tt.parts {
				l.pair(tt.pid+i%2, "8.8.8.8")
				l.probe(403, "8.8.8.8")
				l.filler(tt.took/time.Duration(tt.parts), tt.size/tt.parts)
			}
			l.add("z from 198.51.100.1 ")
			l.add(end + ` 401 INFO shop werkzeug: 198.51.100.1 - - [23/Nov/2026 10:00:00] "POST /web/login HTTP/1.1" 200 - 5 0.001 0.100`)
			feed(tt.behind)
			l.at = l.at.Add(10 * time.Second)
			tell(s.Settle(nil, l.at))
			if diff := cmp.Diff(tt.want, told); diff != "" {
				t.Errorf("accused (-want +got):\n%s", diff)
			}
			if accused := s.Stats().Forged[netip.MustParseAddr("8.8.8.8")]; accused > 0 {
				t.Errorf("%d forged lines are said to be of the victim", accused)
			}
		})
	}
}
