package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/banner"
	"odooban/internal/engine"
	"odooban/internal/jail"
	"odooban/internal/store"
	"odooban/rules"
)

// quiet is an engine.Observer that hears nothing.
type quiet struct{}

func (quiet) Failed(string, rules.Failure) {}
func (quiet) Banned(string, banner.Ban)    {}
func (quiet) Alarmed(engine.Alarm)         {}

// newDesk is a desk whose firewall bans nobody, with a journal of its own.
func newDesk(t *testing.T) *Desk {
	t.Helper()
	j, err := jail.New(jail.Options{
		Policies: []jail.Policy{{Rule: rules.LoginRule, MaxRetry: 3, FindTime: time.Minute, BanTime: 15 * time.Minute}},
		Ignore:   []jail.Ignored{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Why: "the office"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	firewall, err := banner.Open(t.Context(), banner.Options{Backend: "dry-run"})
	if err != nil {
		t.Fatal(err)
	}
	journal, err := store.Open(filepath.Join(t.TempDir(), "journal", "odooban.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { journal.Close() })
	e := engine.New(j, firewall, quiet{})
	if err := e.Restore(t.Context(), journal, time.Now()); err != nil {
		t.Fatal(err)
	}
	return &Desk{Engine: e, Firewall: firewall, Journal: journal, Version: "1.2.3", Since: time.Now()}
}

// changes collects what a server tells.
type changes struct {
	mu  sync.Mutex
	all []Change
}

func (c *changes) tell(one Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, one)
}

// serve runs a server at a socket until the test ends, or the function that it
// returns is called.
func serve(t *testing.T, tell func(Change)) (server *Server, path string, stop func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	listener, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	server = NewServer(tell)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, listener) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return server, path, stop
}

// A counter of packets that cannot be read is a note, and no reason to call the
// firewall broken.
func TestPacketsThatAreNotCounted(t *testing.T) {
	desk := newDesk(t)
	if s, err := desk.Status(t.Context()); err != nil || s.Firewall.Dropped == nil || len(s.Firewall.Notes) > 0 {
		t.Errorf("while they are counted: %+v, %v", s.Firewall, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, err := desk.Status(ctx)
	if err != nil || s.Firewall.Dropped != nil || s.Firewall.Error != "" ||
		!strings.Contains(strings.Join(s.Firewall.Notes, ""), "count dropped packets") {
		t.Errorf("when they are not: %+v, %v", s.Firewall, err)
	}
	for _, why := range s.Reasons {
		if strings.Contains(why, "firewall") {
			t.Errorf("it says that %s", why)
		}
	}
}

// What is asked is answered, what is changed is told with who has asked.
func TestAskAndChange(t *testing.T) {
	var told changes
	server, path, stop := serve(t, told.tell)
	client := Dial(path)
	if _, err := client.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "try again") {
		t.Errorf("without a desk: %v", err)
	}
	defer server.Attend(newDesk(t))()

	status, err := client.Status(t.Context())
	if err != nil || status.Version != "1.2.3" || len(status.Jails) != 1 || status.PID != os.Getpid() {
		t.Errorf("status: %+v, %v", status, err)
	}
	if status.Healthy || !strings.HasPrefix(strings.Join(status.Reasons, "; "), "no source is followed") {
		t.Errorf("healthy without a source: %v", status.Reasons)
	}
	banned, err := client.Ban(t.Context(), Order{Prefix: "2001:db8::7", For: "2d"})
	if b := banned.Ban; err != nil || b.Prefix != netip.MustParsePrefix("2001:db8::/64") || banned.Note == "" ||
		b.Until.Sub(b.Time) != 48*time.Hour {
		t.Errorf("ban: %+v, %v", banned, err)
	}
	if banned, err = client.Ban(t.Context(), Order{Prefix: " 203.0.113.7"}); err != nil ||
		banned.Ban.Until.Sub(banned.Ban.Time) != 15*time.Minute || banned.Note != "" {
		t.Errorf("ban for the usual time: %+v, %v", banned, err)
	}
	if bans, err := client.Bans(t.Context()); err != nil || len(bans.Bans) != 2 || bans.Bans[0].Rule != engine.Manual {
		t.Errorf("bans: %+v, %v", bans, err)
	}
	if why, err := client.Why(t.Context(), "2001:db8::8"); err != nil || len(why.Bans) != 1 {
		t.Errorf("why: %+v, %v", why, err)
	}
	unbanned, err := client.Unban(t.Context(), "2001:db8::9")
	if diff := cmp.Diff([]string{"2001:db8::/64"}, texts(unbanned.Ended)); err != nil || diff != "" {
		t.Errorf("unban: %v (-want +got):\n%s", err, diff)
	}
	if flushed, err := client.Flush(t.Context()); err != nil || flushed.Bans != 1 {
		t.Errorf("flush: %+v, %v", flushed, err)
	}
	stop()
	var said []string
	for _, c := range told.all {
		said = append(said, c.What)
		if c.Peer.PID != int32(os.Getpid()) || c.Peer.UID != uint32(os.Getuid()) || c.Peer.Name == "" || c.Err != nil {
			t.Errorf("told: %+v", c)
		}
	}
	if diff := cmp.Diff([]string{"ban 2001:db8::7", "ban  203.0.113.7", "unban 2001:db8::9", "flush"}, said); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// A ban that is shorter than one in force is answered by that, and what is to be
// noted is noted together.
func TestABanThatIsLongerStays(t *testing.T) {
	desk := newDesk(t)
	desk.DryRun = true
	long, err := desk.Ban(t.Context(), Order{Prefix: "2001:db8::7", For: "2d"})
	if err != nil {
		t.Fatal(err)
	}
	short, err := desk.Ban(t.Context(), Order{Prefix: "2001:db8::8", For: "1h"})
	if err != nil || !short.Ban.Until.Equal(long.Ban.Until) || !short.Ban.InForce {
		t.Errorf("the ban in force is %+v, %v, want %+v", short.Ban, err, long.Ban)
	}
	want := "2001:db8::8 is banned with its network, 2001:db8::/64; write 2001:db8::8/128 to ban it alone; " +
		"a longer ban was in force, and stays; this is a dry run: nobody is kept away"
	if short.Note != want {
		t.Errorf("note is %q", short.Note)
	}
}

func texts(prefixes []netip.Prefix) (texts []string) {
	for _, p := range prefixes {
		texts = append(texts, p.String())
	}
	return texts
}

// What is asked wrongly is answered by what to ask instead.
func TestRequests(t *testing.T) {
	server, path, _ := serve(t, func(Change) {})
	defer server.Attend(newDesk(t))()
	for _, tt := range []struct {
		name, method, target, body string
		code                       int
		text                       string
	}{
		{"no such thing", "GET", "/", "", 404, "not found; docs/commands.md says what can be asked"},
		{"status is not changed", "POST", "/status", "", 405, "method not allowed"},
		{"no body", "POST", "/bans", "", 400, `send one like`},
		{"no JSON", "POST", "/bans", "ban him", 400, `send one like`},
		{"what we do not know", "POST", "/bans", `{"prefix":"203.0.113.7","reason":"x"}`, 400, "send one like"},
		{"too much", "POST", "/bans", `{"prefix":"` + strings.Repeat("7", maxRequest) + `"}`, 400, "send one like"},
		{"our own", "POST", "/bans", `{"prefix":"192.0.2.7"}`, 409, "never banned (the office)"},
		{"around our own", "POST", "/bans", `{"prefix":"192.0.0.0/16"}`, 409, "192.0.2.0/24 is never banned"},
		{"no length", "POST", "/bans", `{"prefix":"203.0.113.7","for":"5"}`, 400, "write 5s"},
		{"no address", "POST", "/bans", `{"prefix":"\u001b[2J"}`, 400, `\x1b`},
		{"nobody to unban", "DELETE", "/bans?prefix=", "", 400, "is no address"},
		{"misspelled unban", "DELETE", "/bans?prefx=203.0.113.7", "", 400, "or nothing to end all bans"},
		{"nobody to explain", "GET", "/why", "", 400, "is no address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := Dial(path)
			req, err := http.NewRequestWithContext(t.Context(), tt.method, "http://odooban"+tt.target, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var body bytes.Buffer
			if _, err := body.ReadFrom(resp.Body); err != nil {
				t.Fatal(err)
			}
			var f failure
			if err := json.Unmarshal(body.Bytes(), &f); err != nil {
				t.Error(err)
			}
			if kind := resp.Header.Get("Content-Type"); kind != "application/json" {
				t.Errorf("it is said to be %q", kind)
			}
			if resp.StatusCode != tt.code || !strings.Contains(f.Error, tt.text) {
				t.Errorf("%d: %s", resp.StatusCode, body.String())
			}
		})
	}
}

// No more clients than there may be are answered at once; who is too many waits.
func TestConnectionsAreBounded(t *testing.T) {
	server, path, _ := serve(t, func(Change) {})
	defer server.Attend(newDesk(t))()
	var idle []net.Conn
	for range maxConns {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		idle = append(idle, conn)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := Dial(path).Status(t.Context())
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Fatalf("answered while all places were taken: %v", err)
	default:
	}
	for _, conn := range idle {
		conn.Close()
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

// A path that cannot be had is named, with what to do.
func TestListen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for at, want := range map[string]string{path: "another odooban listens at " + path, "/proc/odooban/s": "name another"} {
		if _, err := Listen(at); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", at, err)
		}
	}
}

// A socket that somebody has replaced is not removed.
func TestCloseLeavesOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Error(err)
	}
}

func TestNobodyListens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if _, err := Dial(path).Status(t.Context()); !errors.Is(err, ErrDown) || !strings.Contains(err.Error(), path) {
		t.Errorf("no socket: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(path).Bans(t.Context()); !errors.Is(err, ErrDown) {
		t.Errorf("no socket but a file: %v", err)
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, text := range []string{
		"203.0.113.7", " 2001:db8::7 ", "203.0.113.0/24", "2001:db8::/64", "::ffff:203.0.113.7", "fe80::1%eth0", "0.0.0.0/0",
		"203.0.113.7/24", "::ffff:203.0.113.0/120", "::", "", "/", "\x1b[2J", "1.2.3.4/33",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseTarget(text)
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return !strconv.IsPrint(r) }) {
				t.Errorf("the error does not print: %q", err)
			}
			return
		}
		p := got.prefix
		if !p.IsValid() || p != p.Masked() || p.Bits() == 0 || p.Addr().Is4In6() || p.Addr().Zone() != "" {
			t.Errorf("%q is read as %v", text, p)
		}
		if got.single != p.IsSingleIP() && !strings.Contains(text, "/") {
			t.Errorf("%q is an address: %+v", text, got)
		}
	})
}
