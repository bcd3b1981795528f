// Package samplelog writes Odoo logs of any size for benchmarks: the same
// bytes for the same seed, from a prefork server that answers a crowd of
// visitors while attackers try passwords.
package samplelog

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"time"
)

// Mix is what a log holds.
type Mix struct {
	// Failures is the share of lines that are failed logins, of 1.
	Failures float64
	// Attackers is how many addresses fail to log in.
	Attackers int
}

// Odoo is what the benchmarks measure unless they say otherwise.
var Odoo = Mix{Failures: 0.02, Attackers: 500}

// Attack is a log of which nine tenths are failures: Odoo under the werkzeug
// level WARNING writes hardly anything else.
var Attack = Mix{Failures: 0.9, Attackers: 500}

const (
	workers = 6
	stamp   = "2006-01-02 15:04:05.000"
	// firstPID is the first worker's.
	firstPID = 28341
	// least is how long a worker takes for a request at least.
	least = 5 * time.Millisecond
)

// server is the model: what it has to write, and when.
type server struct {
	w     *bufio.Writer
	rng   *rand.Rand
	mix   Mix
	now   time.Time
	n     int64 // bytes written
	lines int64
	due   []due
	// idle is since when each worker has nothing to do, if busy is not set: it answers one
	// request at a time.
	idle [workers]time.Time
	busy [workers]bool
	buf  []byte
}

// due is an access line that is still to come.
type due struct {
	lines  int
	worker int
	addr   netip.Addr
	start  time.Time
}

// Write writes at least size bytes of log to w and returns how many lines.
func (m Mix) Write(w io.Writer, seed uint64, size int64) (lines int64, err error) {
	s := &server{
		w: bufio.NewWriterSize(w, 1<<16), mix: m,
		rng: rand.New(rand.NewPCG(seed, 1)), //nolint:gosec // the same log for the same seed
		now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}
	for s.n < size {
		s.line()
	}
	return s.lines, s.w.Flush()
}

// line writes the next line.
func (s *server) line() {
	s.now = s.now.Add(time.Duration(s.rng.IntN(40)) * time.Millisecond)
	for i := range s.due {
		if s.due[i].lines--; s.due[i].lines < 0 {
			d := s.due[i]
			s.due = append(s.due[:i], s.due[i+1:]...)
			s.access(d.worker, d.addr, page{"POST", "/web/login"}, s.now.Sub(d.start))
			return
		}
	}
	switch at := s.rng.Float64(); {
	case at < s.mix.Failures:
		s.fail()
	case s.mix.Failures > 0.5 || s.rng.IntN(4) > 0:
		visitor := s.addr(netip.AddrFrom4([4]byte{198, 51, 100, 0}), 200)
		s.access(s.worker(), visitor, pages[s.rng.IntN(len(pages))], s.upTo(200*time.Millisecond))
	default:
		s.header(s.worker())
		s.put(remarks[s.rng.IntN(len(remarks))])
	}
}

// fail writes a failed login; its access line comes a few lines later, unless
// the log holds little else: then there are none.
func (s *server) fail() {
	worker, addr := s.worker(), s.addr(netip.AddrFrom4([4]byte{203, 0, 0, 0}), s.mix.Attackers)
	s.header(worker)
	s.buf = fmt.Appendf(s.buf[:0], "odoo.addons.base.models.res_users: Login failed for db:erp login:%s from %s \n",
		logins[s.rng.IntN(len(logins))], addr)
	s.flush()
	if s.mix.Failures > 0.5 {
		s.idle[worker] = s.now
		return
	}
	start := s.now.Add(-50*time.Millisecond - s.upTo(200*time.Millisecond))
	if idle := s.idle[worker]; start.Before(idle) {
		start = idle
	}
	s.busy[worker] = true
	s.due = append(s.due, due{s.rng.IntN(4), worker, addr, start})
}

var logins = []string{"admin", "root", "demo", "info@example.com", "sales@example.com", "administrator"}

type page struct{ method, path string }

var pages = []page{
	{"POST", "/web/dataset/call_kw/res.partner/web_search_read"},
	{"POST", "/web/dataset/call_kw/sale.order/web_read"},
	{"POST", "/web/dataset/call_kw/account.move/onchange"},
	{"POST", "/web/dataset/call_button/stock.picking/button_validate"},
	{"POST", "/mail/data"},
	{"POST", "/longpolling/im_status"},
	{"POST", "/web/action/load"},
	{"GET", "/web/image/res.users/2/avatar_128"},
	{"GET", "/web/assets/1/3a1b2c4/web.assets_web.min.js"},
	{"GET", "/web/login"},
	{"GET", "/websocket?version=17.0-3"},
}

var remarks = []string{
	"odoo.modules.registry: Caches invalidated, signaling through the database: ['default']\n",
	"odoo.addons.base.models.ir_cron: Job 'Mail: Email Queue Manager' (3) starting\n",
	"odoo.addons.base.models.ir_cron: Job 'Mail: Email Queue Manager' (3) done in 0.031s\n",
	"odoo.addons.mail.models.mail_mail: Sent batch 1 emails via mail server ID #1\n",
	"odoo.models.unlink: User #2 deleted ir.attachment records with IDs: [48213, 48214]\n",
	"odoo.addons.stock.models.stock_rule: procurement of product 4711 for order S00042 was run\n",
}

// worker is one that may have been at work on a request of its own: any that is not busy, and
// has not just answered another one. There is always one that is not busy, for a failure
// waits for three lines at most.
func (s *server) worker() int {
	longest := -1
	for _, n := range s.rng.Perm(workers) {
		switch {
		case s.busy[n]:
		case s.now.Sub(s.idle[n]) >= least:
			return n
		case longest < 0 || s.idle[n].Before(s.idle[longest]):
			longest = n
		}
	}
	return longest
}

// addr is one of n addresses behind base.
func (s *server) addr(base netip.Addr, n int) netip.Addr {
	b := base.As4()
	i := 1 + s.rng.IntN(n)
	b[1], b[2], b[3] = b[1]+byte(i>>16), b[2]+byte(i>>8), b[3]+byte(i)
	return netip.AddrFrom4(b)
}

// header writes what each record begins with.
func (s *server) header(worker int) {
	s.buf = s.now.AppendFormat(s.buf[:0], stamp)
	s.buf[19] = ','
	s.buf = fmt.Appendf(s.buf, " %d INFO erp ", firstPID+worker)
	s.flush()
}

// access writes the access line of a request that took so long, or since its worker has had
// nothing else to do.
func (s *server) access(worker int, addr netip.Addr, p page, took time.Duration) {
	took = min(took, s.now.Sub(s.idle[worker]))
	s.idle[worker], s.busy[worker] = s.now, false
	s.header(worker)
	s.buf = fmt.Appendf(s.buf[:0], `werkzeug: %s - - [%s] "%s %s HTTP/1.1" 200 - %d %.3f %.3f`+"\n",
		addr, s.now.Format("02/Jan/2006 15:04:05"), p.method, p.path, 1+s.rng.IntN(60), took.Seconds()/4, took.Seconds()*3/4)
	s.flush()
}

// upTo is a random duration.
func (s *server) upTo(limit time.Duration) time.Duration {
	return time.Duration(s.rng.Int64N(int64(limit)))
}

func (s *server) put(text string) {
	s.buf = append(s.buf[:0], text...)
	s.flush()
}

// flush writes what was composed; the bufio.Writer keeps the first error.
func (s *server) flush() {
	n, _ := s.w.Write(s.buf)
	s.n += int64(n)
	s.lines += int64(bytes.Count(s.buf, []byte{'\n'}))
}
