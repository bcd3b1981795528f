package odoosim

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// text is all that a log holds.
func text(log *Log) []byte {
	var b []byte
	for _, w := range log.Writes {
		b = append(b, w.Text...)
	}
	return b
}

// TestSameSeedSameLog holds that a failing promise can be looked at again.
func TestSameSeedSameLog(t *testing.T) {
	few := Few()
	for i := 0; i < len(few); i += 9 {
		a, b := Simulate(few[i].Config), Simulate(few[i].Config)
		if !bytes.Equal(text(a), text(b)) || !cmp.Equal(a.Attempts, b.Attempts, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })) {
			t.Errorf("%s: two runs differ", few[i].Name)
		}
	}
}

// keeper keeps what a reader hands on.
type keeper struct {
	t       *testing.T
	text    []byte
	seen    time.Time
	pieces  int
	settled int
	live    bool
}

func (k *keeper) line(l Line) {
	k.text = append(append(k.text, l.Text...), '\n')
	if k.live && (l.Seen.IsZero() || l.Seen.Before(k.seen)) {
		k.t.Errorf("line seen at %v after one at %v", l.Seen, k.seen)
	}
	if !l.Stamp.IsZero() && l.Stamp.After(l.Seen) {
		k.t.Errorf("stamped at %v, seen at %v", l.Stamp, l.Seen)
	}
	if l.Continues {
		k.pieces++
	}
	k.seen = l.Seen
}

func (k *keeper) settle(now time.Time) {
	if now.Before(k.seen) {
		k.t.Errorf("settled at %v, before what was seen at %v", now, k.seen)
	}
	k.settled++
}
func (k *keeper) flush()     {}
func (k *keeper) open() bool { return false }

// TestReaders holds that a reader hands on every line once, in order, and never before it was written.
func TestReaders(t *testing.T) {
	large := Actor{Name: "large", Addr: attacker(1), Way: JSONRPC, Every: 900 * ms, Forgery: &Forgery{Knows: Enumerate, Size: 2 << 20}}
	log := Simulate(Config{Workers: 4, Load: Busy, Length: 4 * time.Second, Actors: []Actor{large}})
	for _, r := range append(readers(), Replay()) {
		t.Run(r.Name, func(t *testing.T) {
			k := &keeper{t: t, live: r.Live()}
			r.read(log, k)
			if !bytes.Equal(text(log), k.text) {
				t.Errorf("%d bytes read of %d written, or others", len(k.text), log.Bytes)
			}
			if r.Live() && k.settled == 0 {
				t.Error("never settled")
			}
			if wants := r.kind == followed && r.Latency == 200*us || r.kind == piped; wants && k.pieces == 0 {
				t.Error("no look fell into the middle of a record")
			}
		})
	}
}

// habits are how a prefork server's lines stand to each other, in milliseconds.
type habits struct {
	requests      int
	overlap       int // the most that a request began before its process's last answer
	early         int // the most that a login's record is older than its request
	beforeAnswer  int // the least that a form's record is older than its access line
	denied, plain int // JSON logins refused with Odoo's warning, and without
}

var (
	recordLine = regexp.MustCompile(`^(\S+ \S+),(\d{3}) (\d+) \w+ \S+ (\S+): (.*)`)
	accessText = regexp.MustCompile(`"\w+ (\S+) [^"]*" \d+ - \d+ ([\d.]+) ([\d.]+)`)
)

// observe takes a log without forgers apart.
func observe(log []byte) habits {
	h := habits{beforeAnswer: 1 << 30}
	type state struct {
		answered, record int
		denied           bool
	}
	processes := make(map[string]*state)
	for line := range bytes.Lines(log) {
		m := recordLine.FindSubmatch(line)
		if m == nil {
			continue
		}
		day, err := time.Parse("2006-01-02 15:04:05", string(m[1]))
		if err != nil {
			continue
		}
		millis, _ := strconv.Atoi(string(m[2]))
		at := int(day.UnixMilli()) + millis
		p := processes[string(m[3])]
		if p == nil {
			p = &state{}
			processes[string(m[3])] = p
		}
		switch logger, message := string(m[4]), m[5]; {
		case logger == loginLogger && bytes.HasPrefix(message, []byte("Login failed")):
			p.record = at
		case logger == httpLogger && bytes.HasPrefix(message, []byte("Access Denied")):
			p.denied = true
		case logger == accessLogger:
			a := accessText.FindSubmatch(message)
			if a == nil {
				continue
			}
			h.answer(at, string(a[1]), seconded(a[2])+seconded(a[3]), &p.answered, &p.record, &p.denied)
		}
	}
	return h
}

func seconded(b []byte) float64 {
	f, _ := strconv.ParseFloat(string(b), 64)
	return f
}

func (h *habits) answer(at int, path string, took float64, answered, record *int, denied *bool) {
	began := at - int(took*1000+0.5)
	h.requests++
	if *answered > 0 {
		h.overlap = max(h.overlap, *answered-began)
	}
	if *record > 0 {
		h.early = max(h.early, began-*record)
		switch path {
		case "/web/login":
			h.beforeAnswer = min(h.beforeAnswer, at-*record)
		case "/web/session/authenticate":
			if *denied {
				h.denied++
			} else {
				h.plain++
			}
		}
	}
	*answered, *record, *denied = at, 0, false
}

// TestLikeRealServers holds simulated logs against captures of real servers: the laws that rules builds on hold in both.
func TestLikeRealServers(t *testing.T) {
	logs := map[string][]byte{
		"saturated": text(Simulate(Config{Workers: 4, Load: Saturated, Fast: true, Length: 20 * time.Second})),
		"busy":      text(Simulate(Config{Workers: 2, Load: Busy, Length: 60 * time.Second})),
		"quiet":     text(Simulate(Config{Workers: 2, Version: 17, Rate: 10, Length: 60 * time.Second})),
	}
	for _, name := range []string{"odoo17-prefork.log", "odoo19-prefork.log"} {
		log, err := os.ReadFile(filepath.Join("..", "..", "testdata", "logs", name))
		if err != nil {
			t.Fatal(err)
		}
		// What the capture's forger wrote is not the server's.
		logs[name] = regexp.MustCompile(`(?m)^.* from 8\.8\.[48]\.[48] *\n`).ReplaceAll(log, nil)
	}
	for name, log := range logs {
		t.Run(name, func(t *testing.T) {
			h := observe(log)
			t.Logf("%+v", h)
			if h.requests < 30 || h.denied == 0 {
				t.Errorf("%d requests, %d refused JSON logins", h.requests, h.denied)
			}
			if h.overlap > 2 {
				t.Errorf("a request began %d ms before its process's last answer, want at most 2", h.overlap)
			}
			if h.early > 2 {
				t.Errorf("a record is %d ms older than its request, want at most 2", h.early)
			}
			if h.beforeAnswer < 1 {
				t.Errorf("a form's record is %d ms older than its answer, want at least 1", h.beforeAnswer)
			}
			if h.plain > 0 {
				t.Errorf("%d JSON logins refused without a warning", h.plain)
			}
		})
	}
}

// perfect counts what is true, at once: a judge of readers and measures.
type perfect struct {
	attempts []Attempt
	next     int
}

func (p *perfect) Feed(dst []Failure, line Line) []Failure {
	return p.Settle(dst, line.Seen)
}

func (p *perfect) Settle(dst []Failure, now time.Time) []Failure {
	for ; p.next < len(p.attempts) && (now.IsZero() || !p.attempts[p.next].Written.After(now)); p.next++ {
		a := &p.attempts[p.next]
		dst = append(dst, Failure{Time: a.At, Addr: a.Addr, Rule: a.Rule})
	}
	return dst
}

func (p *perfect) Flush(dst []Failure) []Failure { return p.Settle(dst, time.Time{}) }
func (p *perfect) Open() bool                    { return p.next < len(p.attempts) }
func (p *perfect) Told() Told                    { return Told{} }

// TestPerfectJudge holds that a judge who knows the truth keeps every promise, so that none asks for the impossible, and that
// one who counts nothing breaks those about counting.
func TestPerfectJudge(t *testing.T) {
	for i, s := range Few() {
		if s.Promise == Safety && i%4 > 0 {
			continue // they differ in who forges, which this judge does not ask
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			c := s.Config
			if rate := s.Reader.WriteRate(); rate > 0 {
				c.WriteRate = rate
			}
			log := Simulate(c)
			o := Run(log, s.Reader, &perfect{attempts: log.Attempts})
			for _, b := range s.Broken(o) {
				t.Error(b)
			}
			if s.Bars.Share > 0 && o.Honest == 0 {
				t.Error("nobody fails honestly")
			}
			if s.Promise != Honest && s.Promise != Liveness && log.Forged == 0 {
				t.Error("nobody forges")
			}
			if s.Promise != Liveness {
				return
			}
			for i := range o.Guesses {
				if g := &o.Guesses[i]; !g.Needed {
					t.Errorf("%s makes too few guesses to be banned: %d", g.Actor.Name, g.Made)
				}
			}
		})
	}
}

// Start moves a site in time, and changes nothing else. A forger accuses whom it is told to.
func TestStartAndAccused(t *testing.T) {
	stranger := netip.MustParseAddr("198.51.100.3")
	c := Config{Load: Busy, Workers: 4, Fast: true, Length: 2 * time.Second, Actors: []Actor{
		{Addr: attacker(0), Way: Form, Every: 80 * ms, Until: time.Second, Forgery: &Forgery{Knows: Second, Accused: stranger}},
	}}
	log := Simulate(c)
	c.Start = Epoch().AddDate(-2, 0, 0)
	earlier := Simulate(c)
	if len(earlier.Writes) != len(log.Writes) {
		t.Fatalf("%d writes, not %d", len(earlier.Writes), len(log.Writes))
	}
	accused := false
	for i, w := range log.Writes {
		if at := earlier.Writes[i].At; w.At.Sub(Epoch()) != at.Sub(c.Start) || len(w.Text) != len(earlier.Writes[i].Text) {
			t.Fatalf("write %d is at %v, not %v", i, at, w.At)
		}
		accused = accused || bytes.Contains(w.Text, []byte("from "+stranger.String()))
	}
	if !accused {
		t.Error("nobody accused the stranger")
	}
}
