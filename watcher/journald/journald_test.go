package journald

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/await"
	"odooban/internal/journaldtest"
	"odooban/internal/sinktest"
	"odooban/watcher"
)

// entire is the unit from its first line.
func entire(j *journaldtest.Journald, c *sinktest.Collector) *Unit {
	return New(j.Unit, time.Unix(0, 0), c.Alarm)
}

func send(t *testing.T, conn net.Conn, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, format, args...); err != nil {
		t.Fatal(err)
	}
}

func TestJournalLines(t *testing.T) {
	j := journaldtest.Start(t)
	c := sinktest.New()
	sinktest.Follow(t, entire(j, c), c)
	c.AwaitLines(t, 1)
	long := strings.Repeat("x", 48<<10)
	send(t, j.Open(), "one \r\n\n<4>two\nbin \xff\x01\nesc \x1b[0m \u2028\nnul\x00rest\n%stail\n", long)
	want := []string{"hello", "one", "two", "bin \xff\x01", "esc \x1b[0m \u2028", "nul\x00", "rest", long + "\x00", "tail"}
	c.AwaitLines(t, len(want))
	if diff := cmp.Diff(want, c.All()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	c.Await(t, "end", func() bool { return slices.Contains(c.SettledAt, len(want)) })
	if age := time.Since(c.Seen[len(want)-1]); age < 0 || age > time.Minute {
		t.Errorf("the last line was seen %v ago", age)
	}
	if len(c.Alarms) > 0 {
		t.Errorf("alarms: %q", c.Alarms)
	}
}

func TestJournalBeginsAt(t *testing.T) {
	j := journaldtest.Start(t)
	conn := j.Open()
	send(t, conn, "before\n")
	first := sinktest.New()
	stop := sinktest.Follow(t, entire(j, first), first)
	first.AwaitLines(t, 2)
	stop()
	c := sinktest.New()
	sinktest.Follow(t, New(j.Unit, time.Now(), c.Alarm), c)
	send(t, conn, "after\n")
	c.AwaitLines(t, 1)
	if diff := cmp.Diff([]string{"after"}, c.All()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// TestJournalStamps tells pauses by the stamps of journald.
func TestJournalStamps(t *testing.T) {
	c := sinktest.New()
	f := newFollower(New("odoo.service", time.Time{}, c.Alarm), c)
	began := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for i, at := range []time.Duration{0, settleTime - 1, 2*settleTime - 1, 0, 0, time.Hour} {
		stamp := began.Add(at.Truncate(time.Microsecond))
		entry := fmt.Sprintf(`{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"%d","__MONOTONIC_TIMESTAMP":"%d",`+
			`"_BOOT_ID":"fba1f313014a4c199cf0eaa1fc7136f5","MESSAGE":"x"}`, stamp.UnixMicro(), i)
		if err := f.entry([]byte(entry)); err != nil {
			t.Fatal(err)
		}
		if got := c.Seen[i]; !got.Equal(stamp) {
			t.Errorf("line %d was seen %v, want %v", i, got, stamp)
		}
	}
	if want := []int{2, 5}; !slices.Equal(c.SettledAt, want) || len(c.Alarms) > 0 {
		t.Errorf("settled after %v, want %v; alarms %q", c.SettledAt, want, c.Alarms)
	}
}

// TestJournalSettles only when the end can have been reached.
func TestJournalSettles(t *testing.T) {
	now := time.Now()
	t.Setenv("PATH", t.TempDir()) // who is asked for more knows nothing
	ended := follower{
		Unit: New("odoo.service", now, nil), stamp: now, pulse: pulse{checked: now, latest: now.Add(-settleTime)},
	}
	tests := []struct {
		name   string
		change func(*follower)
		want   bool
	}{
		{"the end", func(*follower) {}, true},
		{"nothing new", func(f *follower) { f.out = watcher.NewOutlet(sinktest.New()) }, false},
		{"too soon", func(f *follower) { f.pulse.latest = now }, false},
		{"history too soon", func(f *follower) { f.stamp = now.Add(-time.Hour) }, false},
		{"this process was paused", func(f *follower) { f.pulse.checked = now.Add(-time.Minute) }, false},
		{"journalctl has not caught up", func(f *follower) { f.until = &position{} }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, f := sinktest.New(), ended
			f.out = watcher.NewOutlet(c)
			_ = f.out.Line(watcher.Line{})
			tt.change(&f)
			if f.checkEnd(t.Context()); len(c.SettledAt) > 0 != tt.want {
				t.Errorf("settled %v", c.SettledAt)
			}
		})
	}
}

// TestJournalStuck is about a journalctl that does not bring what there is.
func TestJournalStuck(t *testing.T) {
	j := journaldtest.Start(t)
	now := time.Now()
	c := sinktest.New()
	f := newFollower(entire(j, c), c)
	_ = f.out.Line(watcher.Line{})
	f.stamp, f.pulse.checked, f.pulse.latest = now, now, now.Add(-settleTime)
	if f.checkEnd(t.Context()); f.pulse.stuck || len(c.SettledAt) > 0 {
		t.Errorf("stuck %v, settled %v while there is more", f.pulse.stuck, c.SettledAt)
	}
	f.pulse.checked, f.pulse.latest = time.Now(), now.Add(-doubtAfter)
	if f.checkEnd(t.Context()); !f.pulse.stuck {
		t.Errorf("stuck %v after a long time", f.pulse.stuck)
	}
	f.newest.Time = now.Add(time.Hour).UnixMicro()
	f.pulse.checked = time.Now()
	if f.checkEnd(t.Context()); f.pulse.stuck || len(c.SettledAt) != 1 {
		t.Errorf("stuck %v, settled %v when all has come", f.pulse.stuck, c.SettledAt)
	}
}

// placed keeps where each line stands, and the position behind each.
type placed struct {
	*sinktest.Collector
	places    []watcher.Place
	positions [][]byte
}

func (p *placed) Line(l watcher.Line) error {
	p.Mu.Lock()
	p.places = append(p.places, l.Place)
	p.positions = append(p.positions, l.Position())
	p.Mu.Unlock()
	return p.Collector.Line(l)
}

// TestJournalResumes stops at many places and goes on: no line is lost, and
// each stands where it stood.
func TestJournalResumes(t *testing.T) {
	j := journaldtest.Start(t)
	conn := j.Open()
	const lines = 200
	for i := range lines {
		// Several at a time have the same stamp.
		send(t, conn, "%d\n%d and %s\n", i, i, strings.Repeat("y", 30<<10))
	}
	whole := &placed{Collector: sinktest.New()}
	stop := sinktest.Follow(t, entire(j, whole.Collector), whole)
	whole.AwaitLines(t, 1+2*lines)
	stop()
	for i := 1; i < len(whole.places); i++ {
		if a, b := whole.places[i-1], whole.places[i]; a.Generation != b.Generation || a.Offset >= b.Offset {
			t.Fatalf("line %d is at %v, the next at %v", i-1, a, b)
		}
	}
	for range 5 {
		at := rand.IntN(len(whole.positions))
		again := &placed{Collector: sinktest.New()}
		source := New(j.Unit, time.Now(), again.Alarm)
		if err := source.Resume(whole.positions[at]); err != nil {
			t.Fatal(err)
		}
		stop := sinktest.Follow(t, source, again)
		again.Await(t, "the last line", func() bool {
			n := len(again.places)
			return n > 0 && again.places[n-1] == whole.places[len(whole.places)-1]
		})
		stop()
		from := len(whole.Lines) - len(again.Lines)
		if from > at+1 {
			t.Errorf("resumed behind line %d at line %d", at, from)
		}
		if diff := cmp.Diff(whole.Lines[from:], again.Lines); diff != "" {
			t.Errorf("lines after %d (-want +got):\n%s", at, diff)
		}
		if diff := cmp.Diff(whole.places[from:], again.places); diff != "" {
			t.Errorf("places after %d (-want +got):\n%s", at, diff)
		}
		if warm := len(strings.Join(whole.Lines[from:at+1], "")); warm > watcher.WarmUp+watcher.WarmUp/4 || warm < watcher.WarmUp && from > 0 {
			t.Errorf("%d bytes before line %d came again", warm, at)
		}
		if len(again.Alarms) > 0 {
			t.Errorf("alarms: %q", again.Alarms)
		}
	}
}

// TestJournalCopied goes on in a copy, where entries have other numbers.
func TestJournalCopied(t *testing.T) {
	j := journaldtest.Start(t)
	send(t, j.Open(), "one\ntwo\nthree\n")
	first := &placed{Collector: sinktest.New()}
	stop := sinktest.Follow(t, entire(j, first.Collector), first)
	first.AwaitLines(t, 4)
	stop()
	j.Copy()
	again := &placed{Collector: sinktest.New()}
	source := entire(j, again.Collector)
	if err := source.Resume(first.positions[2]); err != nil {
		t.Fatal(err)
	}
	stop = sinktest.Follow(t, source, again)
	again.AwaitLines(t, 4)
	stop()
	if diff := cmp.Diff(first.places, again.places); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if len(again.Alarms) > 0 {
		t.Errorf("alarms: %q", again.Alarms)
	}
}

// TestExplainJournal holds that systemd's journal is not taken for odooban's.
func TestExplainJournal(t *testing.T) {
	exit := errors.New("exit status 1")
	tests := []struct {
		name      string
		err       error
		complaint string
		want      string
	}{
		{"no systemd", exec.ErrNotFound, "", "executable file not found in $PATH; where there is no systemd, name the log's file as source instead"},
		{"no right", exit, "No journal files were opened due to\n insufficient permissions.", "No journal files were opened due to insufficient permissions.; " +
			"add odooban's user to the group systemd-journal and start it again"},
		{"complains", nil, "File is corrupted.\n", "File is corrupted."},
		{"ends", exit, "oh", "journalctl ended: exit status 1: oh; it is started again"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := explain(tt.err, tt.complaint); got.Error() != "read systemd's journal: "+tt.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestJournalRotates rotates the journal, drops old files and kills journalctl
// while lines are written: each comes once.
func TestJournalRotates(t *testing.T) {
	j := journaldtest.Start(t, "RuntimeMaxFileSize=1M", "RuntimeMaxUse=64M")
	c := sinktest.New()
	sinktest.Follow(t, entire(j, c), c)
	c.AwaitLines(t, 1)
	const rounds, each = 6, 2000
	var writing sync.WaitGroup
	conn := j.Open()
	for round := range rounds {
		writing.Go(func() {
			for i := range each {
				fmt.Fprintf(conn, "line %d\n", round*each+i)
			}
		})
		switch round % 3 {
		case 0:
			j.Rotate()
		case 1:
			for _, pid := range j.Readers() {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		writing.Wait()
		c.AwaitLines(t, 1+(round+1)*each)
		if round%3 == 2 {
			j.Rotate()
			j.Vacuum()
		}
	}
	for i, line := range c.All()[1:] {
		if want := fmt.Sprintf("line %d", i); line != want {
			t.Fatalf("line %d is %q", i, line)
		}
	}
	for _, alarm := range c.Alarms {
		if !strings.Contains(alarm, "signal: killed") {
			t.Errorf("alarm: %s", alarm)
		}
	}
}

// TestJournaldRestarts also leaves a line behind that no end was written to.
func TestJournaldRestarts(t *testing.T) {
	j := journaldtest.Start(t)
	c := sinktest.New()
	sinktest.Follow(t, entire(j, c), c)
	conn := j.Open()
	send(t, conn, "one\nhalf")
	c.AwaitLines(t, 2)
	conn.Close()
	j.Restart()
	send(t, j.Open(), "two\n")
	c.Await(t, "two", func() bool { return slices.Contains(c.Lines, "two") })
	for _, line := range c.All() {
		if strings.TrimSuffix(line, "\x00") == line && !slices.Contains([]string{"hello", "one", "two"}, line) {
			t.Errorf("line %q", line)
		}
	}
}

// TestJournalVacuumed resumes where there is nothing any more.
func TestJournalVacuumed(t *testing.T) {
	j := journaldtest.Start(t)
	first := &placed{Collector: sinktest.New()}
	stop := sinktest.Follow(t, entire(j, first.Collector), first)
	conn := j.Open()
	send(t, conn, "lost\n")
	first.AwaitLines(t, 2)
	stop()
	j.Rotate()
	j.Vacuum()
	send(t, conn, "kept\n")
	c := sinktest.New()
	source := entire(j, c)
	if err := source.Resume(first.positions[0]); err != nil {
		t.Fatal(err)
	}
	sinktest.Follow(t, source, c)
	c.AwaitAlarm(t, "is gone, and lines behind it may be")
	c.AwaitLines(t, 1)
	if diff := cmp.Diff([]string{"kept"}, c.All()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// TestJournalDrops is about a unit that writes more than it may.
func TestJournalDrops(t *testing.T) {
	j := journaldtest.Start(t, "RateLimitIntervalSec=1s", "RateLimitBurst=10")
	c := sinktest.New()
	sinktest.Follow(t, entire(j, c), c)
	conn := j.Open()
	for i := range 1000 {
		send(t, conn, "line %d\n", i)
	}
	await.Until(t, "the end of the interval", func() bool {
		send(t, conn, "after\n")
		return slices.Contains(c.All(), "after")
	})
	c.AwaitAlarm(t, "journald has dropped ")
	if slices.ContainsFunc(c.Lines, func(line string) bool { return strings.HasPrefix(line, "Suppressed") }) {
		t.Error("what journald says is taken for a line of the unit")
	}
}

// TestJournalTrouble has all that can be in the way at the start, and goes on
// once it is not.
func TestJournalTrouble(t *testing.T) {
	tests := []struct {
		name   string
		unit   string
		broken func(t *testing.T, j *journaldtest.Journald)
		alarm  string
	}{
		{
			"no journalctl", "", func(t *testing.T, _ *journaldtest.Journald) { t.Setenv("PATH", t.TempDir()) },
			"where there is no systemd, name the log's file",
		},
		{"no permission", "", func(_ *testing.T, j *journaldtest.Journald) {
			j.Journalctl("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
		}, "add odooban's user to the group systemd-journal"},
		{"no such unit", "oddo.service", func(*testing.T, *journaldtest.Journald) {}, "find unit oddo.service: nothing of it"},
	}
	j := journaldtest.Start(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.broken(t, j)
			c := sinktest.New()
			source := entire(j, c)
			if tt.unit != "" {
				source.unit = tt.unit
			}
			sinktest.Follow(t, source, c)
			c.AwaitAlarm(t, tt.alarm)
			j.Journalctl()
		})
	}
}

func TestJournalSinkRefuses(t *testing.T) {
	j := journaldtest.Start(t)
	c := sinktest.New()
	c.Fail = errors.New("full")
	if err := entire(j, c).Follow(t.Context(), c); !errors.Is(err, c.Fail) {
		t.Errorf("Follow gave %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := entire(j, c).Follow(ctx, c); err != nil {
		t.Errorf("Follow gave %v after its context had ended", err)
	}
	await.Until(t, "the end of journalctl", func() bool { return len(j.Readers()) == 0 })
}

func TestJournalResumeBroken(t *testing.T) {
	good := position{Version: 1, Cursor: "s=1;i=2", Boot: strings.Repeat("a", 32), Offset: 7, Time: 8}
	tests := []struct {
		name   string
		damage func(*position)
	}{
		{"version", func(p *position) { p.Version = 2 }},
		{"no cursor", func(p *position) { p.Cursor = "" }},
		{"cursor that is an option", func(p *position) { p.Cursor = "x --file=/etc/shadow" }},
		{"boot", func(p *position) { p.Boot = "b" }},
		{"offset", func(p *position) { p.Offset = -1 }},
	}
	resume := func(p position) error {
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		return New("odoo.service", time.Now(), nil).Resume(text)
	}
	if err := resume(good); err != nil {
		t.Error(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := good
			tt.damage(&p)
			if err := resume(p); !errors.Is(err, watcher.ErrPosition) {
				t.Errorf("Resume gave %v", err)
			}
		})
	}
	for _, text := range []string{"", "{", "[]", strings.Repeat(" ", watcher.MaxPosition+1)} {
		if err := New("odoo.service", time.Now(), nil).Resume([]byte(text)); (err == nil) != (text == "") {
			t.Errorf("Resume(%.10q) gave %v", text, err)
		}
	}
}
