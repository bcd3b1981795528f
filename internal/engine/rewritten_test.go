package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/await"
	"odooban/internal/store"
	"odooban/rules"
	"odooban/watcher/tailfile"
)

// log is a log of Odoo's that is written, followed and rewritten.
type log struct {
	t    *testing.T
	path string
}

func newLog(t *testing.T, name string) *log {
	return &log{t, filepath.Join(t.TempDir(), name)}
}

func (l *log) check(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *log) append(text string) {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	l.check(err)
	for line := range strings.Lines(text) { // as Odoo does
		_, err = f.WriteString(line)
		l.check(err)
	}
	l.check(f.Close())
}

func (l *log) text() string {
	text, err := os.ReadFile(l.path)
	l.check(err)
	return string(text)
}

// replace puts a file with that text in the place of the log.
func (l *log) replace(text string) {
	l.check(os.WriteFile(l.path+".new", []byte(text), 0o600))
	l.check(os.Rename(l.path+".new", l.path))
}

// fill writes text into the file that the log is.
func (l *log) fill(text string) { l.check(os.WriteFile(l.path, []byte(text), 0o600)) }

const loggedAt = "2006-01-02 15:04:05,000"

// started are records that tell of nothing.
func started(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s %d INFO shop odoo.modules.loading: module %d \n", time.Now().Add(-time.Minute).UTC().Format(loggedAt), 41+i%2, i)
	}
	return b.String()
}

// refused is a failed login at the form, with its access line, of a process at a moment.
func refused(addr string, pid int, at time.Time) string {
	at = at.UTC()
	return fmt.Sprintf("%[1]s %[2]d INFO shop odoo.addons.base.models.res_users: Login failed for db:shop login:amy from %[3]s \n"+
		"%[1]s %[2]d INFO shop werkzeug: %[3]s - - [%[4]s] \"POST /web/login HTTP/1.1\" 200 - 6 0.002 0.001\n",
		at.Format(loggedAt), pid, addr, at.Format("02/Jan/2006 15:04:05"))
}

// counts are the failures in a journal, by address.
func counts(t *testing.T, journal *store.Journal) map[string]int {
	t.Helper()
	n := make(map[string]int)
	for f, err := range journal.Failures(t.Context(), time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		n[f.Addr.String()]++
	}
	return n
}

// followedBy runs an engine over logs until stop is called.
func followedBy(t *testing.T, journal *store.Journal, logs ...*log) (stop func()) {
	t.Helper()
	e, _, _ := newTest(t)
	if err := e.Restore(t.Context(), journal, time.Now()); err != nil {
		t.Fatal(err)
	}
	set, err := rules.Compile(rules.BuiltIn(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var following sync.WaitGroup
	for _, l := range logs {
		file := tailfile.NewFile(l.path, func(string, error) {})
		if err := file.Resume(e.Position(l.path)); err != nil {
			t.Fatal(err)
		}
		following.Go(func() {
			if err := e.Follow(ctx, file, set, time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	return func() {
		cancel()
		following.Wait()
	}
}

const (
	customer = "203.0.113.50"
	latecome = "198.51.100.9"
)

// awaitLate lets a failure of somebody else be read and counted: all before it are by then.
func awaitLate(t *testing.T, journal *store.Journal, l *log, n int) {
	t.Helper()
	l.append(refused(latecome, 41, time.Now()))
	await.Until(t, "the last failure", func() bool { return counts(t, journal)[latecome] == n })
}

// TestRewrittenLogsCountOnce rewrites a log while it is followed and while it is not.
func TestRewrittenLogsCountOnce(t *testing.T) {
	lines := func(text string) []string { return strings.SplitAfter(text, "\n") }
	without := func(text, part string) string {
		var kept strings.Builder
		for _, line := range lines(text) {
			if !strings.Contains(line, part) {
				kept.WriteString(line)
			}
		}
		return kept.String()
	}
	tests := []struct {
		name    string
		rewrite func(l *log, text string)
	}{
		{"trimmed", func(l *log, text string) { l.replace(strings.Join(lines(text)[40:], "")) }},
		{"trimmed within a record", func(l *log, text string) { l.replace(text[strings.Index(text, "Login failed")+20:]) }},
		{"trimmed in place", func(l *log, text string) { l.fill(strings.Join(lines(text)[40:], "")) }},
		{"without the first line", func(l *log, text string) { l.replace(strings.Join(lines(text)[1:], "")) }},
		{"without some lines", func(l *log, text string) { l.replace(without(text, "module 3")) }},
		{"without its last lines", func(l *log, text string) { l.replace(without(text, "werkzeug")) }},
		{"copied and moved back", func(l *log, text string) { l.replace(text) }},
		{"copied over itself", func(l *log, text string) { l.fill(text) }},
		{"as an editor writes it", func(l *log, text string) { l.replace(strings.TrimSuffix(text, "\n") + "\n\n") }},
		{"with line ends of Windows", func(l *log, text string) { l.replace(strings.ReplaceAll(text, "\n", "\r\n")) }},
		{"with a line before it", func(l *log, text string) { l.replace("# kept for the auditors\n" + text) }},
		{"trimmed again and again", func(l *log, text string) {
			for i := range 5 {
				l.replace(strings.Join(lines(text)[10*(i+1):], ""))
			}
		}},
	}
	for _, tt := range tests {
		for _, live := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, live %v", tt.name, live), func(t *testing.T) {
				t.Parallel()
				l, journal := newLog(t, "odoo.log"), openJournal(t)
				l.append(started(60))
				now := time.Now().Add(-time.Second) // two in one millisecond
				l.append(refused(customer, 41, now) + refused(customer, 42, now))
				stop := followedBy(t, journal, l)
				await.Until(t, "history", func() bool { return counts(t, journal)[customer] == 2 })
				if !live {
					stop()
				}
				tt.rewrite(l, l.text())
				if !live {
					stop = followedBy(t, journal, l)
				}
				awaitLate(t, journal, l, 1)
				stop()
				if diff := cmp.Diff(map[string]int{customer: 2, latecome: 1}, counts(t, journal)); diff != "" {
					t.Errorf("counted (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestSameRecordsInTwoLogsCountOnce follows two logs that get the same records, one
// after the other, with a restart in between.
func TestSameRecordsInTwoLogsCountOnce(t *testing.T) {
	one, other, journal := newLog(t, "odoo.log"), newLog(t, "all.log"), openJournal(t)
	both := func(text string) {
		one.append(text)
		other.append(text)
	}
	now := time.Now().Add(-time.Second)
	both(started(10) + refused(customer, 41, now))
	one.append(refused(customer, 42, now))
	for run := range 2 {
		stop := followedBy(t, journal, one, other)
		await.Until(t, "history", func() bool { return counts(t, journal)[customer] == 2+run })
		both(refused(customer, 42, time.Now()))
		await.Until(t, "what is in both", func() bool { return counts(t, journal)[customer] == 3+run })
		awaitLate(t, journal, one, 2*run+1)
		awaitLate(t, journal, other, 2*run+2)
		stop()
	}
	if diff := cmp.Diff(map[string]int{customer: 4, latecome: 4}, counts(t, journal)); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}
