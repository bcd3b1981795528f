package ledger

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// part is what logs are made of that are not parsed.
func part(kind byte, ms, pid int, addr string) string {
	switch kind % 16 {
	case 0, 1:
		return failed(ms, pid, "a", addr)
	case 2:
		return failed(ms, pid, "a", "n/a")
	case 3:
		return headed(ms, pid, "INFO shop "+users+"Login failed for login:a")
	case 4:
		return headed(ms, pid, "INFO shop "+users+"Login successful for login:a from "+addr+" ")
	case 5:
		return cooled(ms, pid, "a", addr)
	case 6, 7:
		return posted(ms, pid, addr)
	case 8:
		return called(ms, pid, addr)
	case 9:
		return answered(ms, pid, 3, addr, "POST /json/2/x#y", 401)
	case 10:
		return headed(ms, pid, "WARNING shop odoo.http: CSRF validation failed on path '/web/login'")
	case 11:
		return headed(ms, pid, "INFO x odoo.sql_db: Connection to the database failed")
	case 12:
		return headed(ms, pid, "INFO ? odoo.service.server: HTTP service (werkzeug) running on erp:8069 ")
	case 13:
		return headed(ms, pid, "INFO x")
	case 14:
		return "FATAL:  database \"x\" does not exist"
	}
	return "it goes on from " + addr + " "
}

// script is the log that bytes stand for, three of them for each line: what it is; who wrote it,
// of whom it tells, and whether it goes on in the same write; and how much later.
func script(program []byte) (log []write) {
	addrs := [...]string{honest, forger, victim, "2001:db8::7"}
	ms := 0
	for len(program) >= 3 {
		kind, who, later := program[0], program[1], int(program[2])
		program = program[3:]
		ms += later % 64 * (later%64 + 1) / 2
		line := part(kind, ms-later/64*40, 100+int(who>>4&3), addrs[who&3]) + "\n"
		if who&4 != 0 && len(log) > 0 {
			log[len(log)-1].text += line
		} else {
			log = append(log, write{ms, line})
		}
	}
	return log
}

// checkVerdicts holds what is so of each verdict: whom it names stands in the log.
func checkVerdicts(t *testing.T, r *reader, text string) (verdicts int) {
	t.Helper()
	for _, v := range r.ledger.Verdicts() {
		verdicts++
		for _, addr := range []netip.Addr{v.Addr, v.By} {
			if addr.IsValid() && !strings.Contains(text, addr.String()) {
				t.Errorf("%v is named, but not by the log: %+v", addr, v)
			}
		}
		switch {
		case v.Reason == "" && !v.Addr.IsValid():
			t.Errorf("nobody is counted: %+v", v)
		case v.Way == NoWay || v.Way >= Ways:
			t.Errorf("no way: %+v", v)
		case v.Place.Offset < 0 || v.Place.Offset >= int64(len(text)):
			t.Errorf("no place: %+v", v)
		}
	}
	return verdicts
}

// FuzzLedger reads any log, live or as history. Each line is one failure at most, and what is undecided
// at most as many; after the longest wait, and at the end, nothing is.
func FuzzLedger(f *testing.F) {
	for i := range 16 {
		f.Add([]byte{byte(i), 0, 10, byte(i + 6), 0x14, 3, byte(i * 3), 0x21, 5, 6, 1, 20}, i%2 == 0)
	}
	f.Add([]byte{0, 0, 1, 15, 5, 0, 0, 0x16, 0, 6, 0x16, 1, 3, 5, 0, 6, 1, 9}, true)
	f.Add([]byte{12, 0, 1, 2, 0, 40, 2, 4, 0, 8, 0, 4, 8, 1, 2, 8, 2, 3}, true)
	f.Fuzz(func(t *testing.T, program []byte, live bool) {
		r := newReader(nil)
		var text strings.Builder
		ms, verdicts := 0, 0
		for _, w := range script(program[:min(len(program), 3000)]) {
			text.WriteString(w.text)
			seen := time.Time{}
			if ms = w.at; live {
				seen = when(ms)
				if ms%3 == 0 {
					r.pause(ms)
				}
			}
			r.read(seen, w.text)
			verdicts += checkVerdicts(t, r, text.String())
			if n := len(r.open()); n > 2*int(r.line) {
				t.Errorf("%d are undecided of %d lines", n, r.line)
			}
		}
		r.pause(ms + 1000)
		r.pause(ms + 122_000)
		verdicts += checkVerdicts(t, r, text.String())
		if open := r.open(); len(open) > 0 {
			t.Errorf("undecided after the longest wait: %v", open)
		}
		r.ledger.Flush()
		if verdicts += checkVerdicts(t, r, text.String()); verdicts > int(r.line) {
			t.Errorf("%d verdicts on %d lines", verdicts, r.line)
		}
	})
}
