package ledger

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"odooban/rules/batch"
	"odooban/rules/odoo"
	"odooban/watcher/framing"
)

// start is the moment from which tests count.
var start = time.Date(2026, 11, 23, 10, 45, 0, 0, time.UTC)

// when is so many milliseconds after start.
func when(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

// write is text that is written in one go, and found so many milliseconds after start.
type write struct {
	at   int
	text string
}

// wrote is lines that are written in one go.
func wrote(at int, lines ...string) write { return write{at, strings.Join(lines, "\n") + "\n"} }

// reader reads a log and judges it.
type reader struct {
	unframer framing.Unframer
	parser   odoo.Parser
	batches  batch.Tracker
	ledger   *Ledger
	line     uint64
	offset   int64
}

// newReader returns a reader of which some checks are off.
func newReader(off Checks) *reader { return &reader{ledger: New(off)} }

// read takes text that was found then, or history.
func (r *reader) read(seen time.Time, text string) {
	var f framing.Frame
	var e odoo.Event
	for line := range strings.Lines(text) {
		r.line++
		size := int64(len(line))
		r.offset += size
		if !r.unframer.Next(&f, []byte(strings.TrimSuffix(line, "\n")), start) {
			continue
		}
		at := Line{Number: r.line, Offset: r.offset, Place: Place{Offset: r.offset - size}}
		at.Batch, at.Run = r.batches.Next(batch.Moment{Seen: seen, Found: int64(len(text))}, size)
		r.parser.Parse(&e, &f, start)
		r.ledger.Take(&e, at)
	}
}

// pause says that nothing more came up to a moment.
func (r *reader) pause(ms int) {
	r.batches.Pause()
	r.ledger.Settle(when(ms).UnixMilli())
}

// open lists where what is undecided stands.
func (r *reader) open() (places []int64) {
	r.ledger.Open(func(p Place) { places = append(places, p.Offset) })
	return places
}

// verdicts are what was settled since the last call, such as "login 203.0.113.7", or "rejected
// clock 8.8.8.8 by 203.0.113.9".
func (r *reader) verdicts() (all []string) {
	for _, v := range r.ledger.Verdicts() {
		text := ways[v.Way]
		if v.Reason != "" {
			text = "rejected " + string(v.Reason)
		}
		if v.Addr.IsValid() {
			text += " " + v.Addr.String()
		}
		if v.By.IsValid() {
			text += " by " + v.By.String()
		}
		all = append(all, text)
	}
	return all
}

// ways are the names of the ways.
var ways = [Ways]string{
	"nothing", "login", "cooldown", "totp", "reset", "manager", "api", "token", "database",
}

// follow reads a log while it is written.
func follow(off Checks, log []write) []string {
	r := newReader(off)
	for _, w := range log {
		r.read(when(w.at), w.text)
	}
	r.batches.Pause()
	r.ledger.Flush()
	return r.verdicts()
}

// replay reads a log as history.
func replay(off Checks, log []write) []string {
	r := newReader(off)
	for _, w := range log {
		r.read(time.Time{}, w.text)
	}
	r.ledger.Flush()
	return r.verdicts()
}

// users is the logger of logins.
const users = "odoo.addons.base.models.res_users: "

// headed is a record of a process.
func headed(ms, pid int, rest string) string {
	return fmt.Sprintf("%s %d %s", when(ms).Format("2006-01-02 15:04:05,000"), pid, rest)
}

// failed is a failed login.
func failed(ms, pid int, login, addr string) string {
	return headed(ms, pid, "INFO shop "+users+"Login failed for login:"+login+" from "+addr+" ")
}

// answered is the access line of a request that took so many milliseconds.
func answered(ms, pid, took int, addr, request string, status int) string {
	return headed(ms, pid, fmt.Sprintf(`INFO shop werkzeug: %s - - [%s] "%s HTTP/1.1" %d - 5 0.000 %d.%03d`,
		addr, when(ms).Format("02/Jan/2006 15:04:05"), request, status, took/1000, took%1000))
}

// posted answers a login.
func posted(ms, pid int, addr string) string {
	return answered(ms, pid, 8, addr, "POST /web/login", 200)
}

// cooled is a login that Odoo refused to look at.
func cooled(ms, pid int, login, addr string) string {
	return headed(ms, pid, "WARNING shop "+users+"Login attempt ignored for "+addr+" (user '"+login+
		"') on shop: 10 failures since last success, last failure at 2026-11-23 10:44:59.000000. You can configure")
}

// got answers somebody who only looks.
func got(ms, pid int) string { return answered(ms, pid, 8, "192.0.2.1", "GET /web", 200) }

// workers shows two processes, 100 and 101, that answer one request at a time; then comes
// the rest.
func workers(rest ...write) []write {
	return append([]write{
		wrote(100, got(100, 100)), wrote(200, got(200, 101)), wrote(300, got(300, 100)), wrote(400, got(400, 101)),
	}, rest...)
}

const (
	honest, other, forger = "203.0.113.7", "203.0.113.8", "203.0.113.66"
	// victim is whom the forger accuses.
	victim = "8.8.8.8"
)

// threads is process 900, which answers several requests at a time; then comes the rest.
func threads(rest ...write) []write {
	serving := headed(10, 900, "INFO ? odoo.service.server: HTTP service (werkzeug) running on erp:8069 ")
	return append([]write{wrote(10, serving), wrote(100, got(100, 900)), wrote(300, got(300, 900))}, rest...)
}

// by is a login that the forger sends to process 100: its lines, and the answer.
func by(login ...string) []write {
	return workers(
		wrote(1000, failed(1000, 100, strings.Join(login, "\n"), forger)),
		wrote(1004, posted(1004, 100, forger)),
	)
}

// unanswered is a login whose process is killed.
func unanswered(login ...string) []write {
	return workers(wrote(1000, failed(1000, 100, strings.Join(login, "\n"), forger)))
}

// accused is a failed login of the victim as the forger writes it, and claimed its answer.
func accused(pid int) string { return failed(1000, pid, "y", victim) }
func claimed(pid int) string { return posted(1001, pid, victim) }

// called answers a call of a program that took 20 milliseconds.
func called(ms, pid int, addr string) string {
	return answered(ms, pid, 20, addr, "POST /jsonrpc", 200)
}

var (
	loginEnd  = headed(1000, 100, "INFO shop "+users+"Login failed for login:z")
	recordEnd = headed(1000, 100, "INFO shop odoo.http: z")
)

// reasonTest is a log in which a reason is given, and what is told of it then and without
// that check.
type reasonTest struct {
	reason    Reason
	name      string
	history   bool
	log       []write
	want, off []string
}

// read reads the log as the test says.
func (tt *reasonTest) read(off Checks) []string {
	if tt.history {
		return replay(off, tt.log)
	}
	return follow(off, tt.log)
}

// charged is what is told where the forger is counted, and the victim is not.
func charged(reasons ...Reason) []string {
	all := []string{forgerCounted}
	for _, why := range reasons {
		all = append(all, rejected(why)+" by "+forger)
	}
	return all
}

func rejected(why Reason) string { return "rejected " + string(why) + " " + victim }

const (
	victimCounted = "login " + victim
	forgerCounted = "login " + forger
	nobodyKnown   = "rejected no-address"
)

// reasonTests has one row at least for each reason.
func reasonTests() []reasonTest {
	toForger := "x from " + forger + " "
	old := failed(500, 101, "y", victim)
	return []reasonTest{
		{
			OtherAnswer, "its end accuses another", false, by("x from "+victim+" ", accused(101), recordEnd),
			charged(OtherAnswer),
			[]string{victimCounted, rejected(OneWrite)},
		},
		{
			OpenEnd, "it holds a record", false, by("x", accused(101), recordEnd),
			charged(OpenEnd),
			[]string{rejected(OneWrite), nobodyKnown},
		},
		{
			OpenEnd, "it holds a record, in history", true, by("x", accused(101), recordEnd),
			charged(OpenEnd),
			[]string{victimCounted, nobodyKnown},
		},
		{
			Overlap, "it holds a whole request", false, by(toForger, accused(100), claimed(100), recordEnd),
			charged(Overlap),
			[]string{victimCounted, forgerCounted},
		},
		{
			CutHeader, "a name of a database holds a request", false, workers(
				wrote(1000, headed(1000, 100, "INFO x"), accused(101), claimed(101),
					headed(1000, 100, "INFO z odoo.sql_db: Connection to the database failed")),
				wrote(1004, called(1004, 100, forger))),
			[]string{rejected(CutHeader)},
			[]string{victimCounted},
		},
		{
			Twice, "a record between two of one request", false, by(toForger, accused(101), loginEnd),
			charged(Twice),
			[]string{forgerCounted, victimCounted},
		},
		{
			TextBehind, "text behind the record", false, by(toForger, accused(101), "z"),
			charged(TextBehind),
			[]string{forgerCounted, victimCounted},
		},
		{
			Fragment, "a method holds a request", false, workers(
				wrote(990, headed(990, 100, "ERROR shop odoo.http: Exception during request handling."),
					"Traceback (most recent call last):", "AttributeError: The method 'res.users.x' does not exist"),
				wrote(1000, answered(1000, 100, 30, forger, "POST /json/2/res.users/x#res.users.x HTTP/1.1\" 200 - 1 0.001 0.001\n"+
					lines(accused(101), claimed(101), recordEnd), 404))),
			[]string{rejected(Fragment)},
			[]string{victimCounted},
		},
		{
			Crowded, "three refused at once", false, by("x", accused(101), accused(101), accused(101), loginEnd),
			append(charged(Crowded, Crowded, Crowded), nobodyKnown), append(charged(OpenEnd, OpenEnd, OpenEnd), nobodyKnown),
		},
		{
			Crowded, "three refused at once, by themselves", true,
			workers(wrote(1000, accused(101), accused(101), accused(101))),
			[]string{rejected(Crowded), rejected(Crowded), rejected(Crowded)},
			[]string{victimCounted, victimCounted, victimCounted},
		},
		{
			Clock, "an old record", false, by("x", old, recordEnd),
			charged(Clock), charged(OpenEnd),
		},
		{
			Clock, "an old record, in history, whose author is not answered", true, unanswered("x", old, recordEnd),
			[]string{rejected(Clock), nobodyKnown},
			[]string{victimCounted, nobodyKnown},
		},
		{
			UnknownProcess, "a process that there is not", false, unanswered("x", accused(999), claimed(999), recordEnd),
			[]string{rejected(UnknownProcess), nobodyKnown},
			[]string{rejected(OneWrite), nobodyKnown},
		},
		{ // What is written otherwise is text: nothing is told of it.
			OtherLayout, "a dot for the comma", false, by("x", strings.Replace(accused(101), ",000", ".000", 1), recordEnd),
			[]string{forgerCounted},
			charged(OpenEnd),
		},
		{
			OneWrite, "the forger is not answered", false, unanswered("x", accused(101), claimed(101), recordEnd),
			[]string{rejected(OneWrite), nobodyKnown},
			[]string{victimCounted, nobodyKnown},
		},
		{
			Unanswered, "its process went on", false, workers(wrote(1000, accused(101)), wrote(1400, got(1400, 101))),
			[]string{rejected(Unanswered)},
			[]string{victimCounted},
		},
		{
			NoAddress, "over RPC, without an access line", false, workers(wrote(1000, failed(1000, 101, "y", "n/a"))),
			[]string{nobodyKnown},
			[]string{nobodyKnown},
		},
		{
			Ambiguous, "one of two threads", false, threads(wrote(1000, failed(1000, 900, "y", "n/a")),
				wrote(1010, called(1010, 900, honest)), wrote(1012, called(1012, 900, other))),
			[]string{"rejected ambiguous"},
			[]string{"rejected ambiguous"},
		},
	}
}

// TestReasons holds what is counted where each reason is given, and that it is that check
// which does so.
func TestReasons(t *testing.T) {
	for _, tt := range reasonTests() {
		t.Run(string(tt.reason)+": "+tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.read(nil), unordered); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.off, tt.read(Checks{tt.reason: true}), unordered); diff != "" {
				t.Errorf("without the check (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEveryReason holds that each has an explanation, and a row in which the victim is not counted;
// and that each check changes the result of one, but for those that cannot be switched off.
func TestEveryReason(t *testing.T) {
	fails := make(map[Reason]bool)
	for _, tt := range reasonTests() {
		given := slices.ContainsFunc(tt.want, func(one string) bool {
			return strings.HasPrefix(one, "rejected "+string(tt.reason))
		})
		switch {
		case slices.Contains(tt.want, victimCounted):
			t.Errorf("%s: the victim is counted", tt.reason)
		case !given && tt.reason != OtherLayout:
			t.Errorf("%s: %s: it is not given", tt.reason, tt.name)
		}
		fails[tt.reason] = fails[tt.reason] || cmp.Diff(tt.want, tt.off) != "" || !tt.reason.Forged()
	}
	for _, e := range Explanations() {
		if !fails[e.Reason] {
			t.Errorf("%s: no row fails without it", e.Reason)
		}
		if e.Forged != e.Reason.Forged() || e.Title == "" || e.Cure == "" {
			t.Errorf("%+v", e)
		}
		delete(fails, e.Reason)
	}
	for why := range fails {
		t.Errorf("%s: no explanation", why)
	}
}

// unordered compares verdicts in any order.
var unordered = cmpopts.SortSlices(func(a, b string) bool { return a < b })

func lines(all ...string) string { return strings.Join(all, "\n") }
