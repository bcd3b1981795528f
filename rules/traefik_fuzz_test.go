package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
)

// FuzzTraefik reads any line as one of Traefik's access log. What is read must
// be what stands in it; what is JSON must be read as a decoder reads it.
func FuzzTraefik(f *testing.F) {
	addLogs(f, false)
	f.Add([]byte(`{"a":[{"b":"}\""},[],null],"RequestMethod":"POST","RequestPath":"/","StartUTC":"2026-11-23T10:45:45Z",` +
		`"ClientAddr":"[2001:db8::7]:1","DownstreamStatus":200}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if n, ok := countOf(line); ok && !bytes.Contains(line, fmt.Appendf(nil, `%d "`, n)) {
			t.Errorf("count %d", n)
		}
		var q proxied
		if bytes.ContainsAny(line, "\n") || !parseTraefik(&q, line) {
			return
		}
		if q.start.IsZero() || q.took < 0 || q.status < 0 || q.status > 999 || len(q.path) == 0 && !q.sealed {
			t.Errorf("read %+v", q)
		}
		if addr, ok := q.client(nil); ok && (addr.Zone() != "" || addr.Is4In6()) {
			t.Errorf("client %v", addr)
		}
		pageOf(q.path)
		if q.sealed && json.Valid(line) {
			wantDecoded(t, &q, line)
		}
	})
}

// wantDecoded holds what was read of a line against what a decoder reads.
func wantDecoded(t *testing.T, q *proxied, line []byte) {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		t.Fatal(err)
	}
	if bytes.IndexByte(line, '\\') >= 0 {
		return // a key may be written in two ways
	}
	for key, got := range map[string][]byte{"RequestPath": q.path, "ClientAddr": q.peer} {
		if want := text(fields[key]); !bytes.Equal(got, want) {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

// FuzzNumbering takes any counts, and holds that none is due twice while it is
// remembered, and that what is far from all others is not.
func FuzzNumbering(f *testing.F) {
	f.Add([]byte{1, 2, 3, 5, 4, 4, 200, 1, 2, 201})
	f.Add([]byte{100, 255, 1, 90, 101})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var c numbering
		n := uint64(1 << 20)
		for i, step := range steps {
			n += uint64(step) - 100
			now := c.now
			had := now != nil && now.has(n)
			is, since := c.take(n, int64(i)*1000)
			if is == due && had || since > int64(i)*1000 {
				t.Errorf("%d is due again, since %d", n, since)
			}
			if now != nil && is == due && (n > now.latest+countsAhead || n+countsBack < now.latest) {
				t.Errorf("%d is due, the latest is %d", n, now.latest)
			}
		}
	})
}
