package torture

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// TestThousandFailuresASecond writes a thousand failed logins a second for ten seconds, each third of which leads to a
// ban.
func TestThousandFailuresASecond(t *testing.T) {
	needsLong(t)
	w := newWriter(t)
	w.slow(1)
	s := newSite(t, w.path, 1)
	s.start()
	s.awaitAll(w)
	for range 10_000 {
		<-w.tick.C
		w.attempt()
	}
	began := time.Now()
	s.awaitAll(w)
	t.Logf("all counted %v after the last was written; %s", time.Since(began).Round(time.Millisecond), s.memory())
	s.stop()
	s.wantTruth(w, false)
}

// TestMillionAddresses starts odooban on a log in which a million addresses have failed once.
func TestMillionAddresses(t *testing.T) {
	needsLong(t)
	s := newSite(t, history(t, 1_000_000, 1), 1)
	began := time.Now()
	s.start()
	s.awaitRows(1_000_000)
	t.Logf("a million addresses after %v; %s", time.Since(began).Round(time.Second), s.memory())
	s.stop()
}

// TestGigabyte starts odooban on a log of a gigabyte.
func TestGigabyte(t *testing.T) {
	needsLong(t)
	const failures = 50_000
	log := history(t, failures, 150)
	info, err := os.Stat(log)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, log, 1)
	began := time.Now()
	s.start()
	s.awaitRows(failures)
	took := time.Since(began)
	t.Logf("%d MB after %v; %s", info.Size()>>20, took.Round(100*time.Millisecond), s.memory())
	s.stop()
}

// awaitRows waits until the journal has so many failures, whoever made them.
func (s *site) awaitRows(n int) {
	s.t.Helper()
	got := 0
	s.await(func() string { return fmt.Sprintf("%d failures, there are %d", n, got) }, func() bool {
		err := s.journal.QueryRow(`SELECT count(*) FROM failures`).Scan(&got)
		return err == nil && got >= n
	})
}

func needsLong(t *testing.T) {
	t.Helper()
	if !long() {
		t.Skip("takes minutes: ODOOBAN_TEST_TORTURE=long")
	}
}

// memory is the most that odooban has used.
func (s *site) memory() string {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if most, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return "at most " + strings.Join(strings.Fields(most), " ") + " of memory"
		}
	}
	return ""
}

// history writes a log of the last hour in which so many addresses have failed once, with so many other lines for each,
// and gives its path.
func history(t *testing.T, addresses, others int) string {
	t.Helper()
	path := t.TempDir() + "/odoo.log"
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := bufio.NewWriterSize(f, 1<<20)
	const span = 50 * time.Minute
	began, addr := time.Now().UTC().Add(-span), netip.MustParseAddr("20.0.0.0")
	for i := range addresses {
		at := began.Add(span * time.Duration(i) / time.Duration(addresses))
		stamp, pid := at.Format("2006-01-02 15:04:05,000"), 400+i%workers
		addr = addr.Next()
		fmt.Fprintf(out, "%s %d INFO shop odoo.addons.base.models.res_users: Login failed for db:shop login:admin from %v \n",
			stamp, pid, addr)
		fmt.Fprintf(out, "%s %d INFO shop werkzeug: %v - - [%s] \"POST /web/login HTTP/1.1\" 200 - 5 0.001 0.001\n",
			stamp, pid, addr, at.Format("02/Jan/2006 15:04:05"))
		for range others {
			fmt.Fprintf(out, "%s %d INFO shop odoo.addons.base.models.ir_cron: Job 'Mail: queue' fully done (#loop 1; done 0; left 0)\n", stamp, pid)
		}
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestStampsOutOfTime writes failed logins stamped an hour ahead and an hour behind between true ones. The true ones are
// counted, odooban says that the clocks differ, and goes on.
func TestStampsOutOfTime(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.slow(5)
	s := newSite(t, w.path, 1)
	s.start()
	s.awaitAll(w)
	for _, off := range []time.Duration{time.Hour, -time.Hour, 365 * 24 * time.Hour, -365 * 24 * time.Hour} {
		for range 20 {
			<-w.tick.C // without a pause, nobody could say that it is not a part of the login before it
		}
		stamp := time.Now().Add(off).UTC()
		w.put(fmt.Sprintf("%s 400 INFO shop odoo.addons.base.models.res_users: Login failed for db:shop login:stray from 10.9.9.9 \n",
			stamp.Format("2006-01-02 15:04:05,000")))
		w.calm(crowd / 2)
	}
	s.awaitAll(w)
	s.awaitSaid("clock-differs", 1)
	s.stop()
	users := make(map[string]int)
	for _, f := range s.journalFailures() {
		users[f.User]++
	}
	for n := range w.next {
		if users[user(n)] != 1 {
			t.Errorf("%s is counted %d times", user(n), users[user(n)])
		}
	}
	t.Logf("%d of 4 that were stamped out of time are counted", users["stray"])
}
