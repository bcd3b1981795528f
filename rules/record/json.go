package record

import (
	"bytes"
	"time"

	"odooban/watcher/framing"
)

// fields are the members of an object that matter, as they stand, by the names that formatters give them: the
// community's logging_json and c2c's JsonFormatter (asctime, pid, levelname, dbname, name, message),
// python-json-logger's timestamp, stackdriver's (severity, timestamp, logger), and what Odoo 19 and later can be told
// with --log-config (created, process).
type fields struct {
	asctime, timestamp, created      []byte
	pid, level, db, name, text, perf []byte
}

// read takes an object apart, and reports whether it is one, whole.
func (j *fields) read(line []byte) bool {
	var m framing.Members
	m.Begin(line)
	for m.Next() {
		switch string(m.Key) {
		case "asctime":
			j.asctime = m.Value
		case "timestamp", "@timestamp":
			j.timestamp = m.Value
		case "created":
			j.created = m.Value
		case "pid", "process":
			j.pid = m.Value
		case "levelname", "level", "severity":
			j.level = m.Value
		case "dbname", "db":
			j.db = m.Value
		case "name", "logger":
			j.name = m.Value
		case "message":
			j.text = m.Value
		case "perf_info":
			j.perf = m.Value
		}
	}
	return m.Ended
}

// json reads a record written as one object. Line ends are escaped in it, so the line is the whole record.
func (p *Parser) json(r *Record, line []byte, ref time.Time) bool {
	var j fields
	if !j.read(line) {
		return false
	}
	const spare = 64 << 10 // A larger buffer is not kept.
	if p.scratch = p.scratch[:0]; cap(p.scratch) > spare {
		p.scratch = nil
	}
	r.Level, r.DB, r.Logger, r.Msg = p.text(j.level), p.text(j.db), p.text(j.name), p.text(j.text)
	if len(r.Msg) == 0 || !isLogger(r.Logger) || !j.setTime(r, ref) {
		return false
	}
	if number := bytes.Trim(j.pid, `"`); len(number) > 0 && len(number) <= 9 {
		r.PID = int32(max(Digits(number), 0))
	}
	r.Writer, r.Layout, r.Sealed = writerOf(r.Logger), JSON, true
	if perf := bytes.Trim(p.text(j.perf), " "); r.Writer == Access && len(perf) > 0 {
		start := len(p.scratch)
		p.scratch = append(append(append(p.scratch, r.Msg...), ' '), perf...)
		r.Msg = p.scratch[start:]
	}
	r.cutRequestID()
	return true
}

// text decodes a value that is a string; it is nil for any other.
func (p *Parser) text(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return nil
	}
	raw := value[1 : len(value)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	start := len(p.scratch)
	p.scratch = framing.AppendUnquoted(p.scratch, raw)
	return p.scratch[start:]
}

// setTime sets the record's moment, out of created before the others, whose zone is the writer's choice.
func (j *fields) setTime(r *Record, ref time.Time) bool {
	for _, value := range [][]byte{j.created, j.timestamp, j.asctime} {
		if len(value) == 0 {
			continue
		}
		var ok bool
		if value[0] == '{' {
			r.When, ok = secondsAndNanos(value)
		} else {
			r.When, ok = ParseTime(bytes.Trim(value, `"`), ref)
		}
		if ok {
			// The same precision as Odoo's own, so that records compare.
			r.When = r.When.Truncate(time.Millisecond)
			r.Coarse = r.When.Nanosecond() == 0 && (value[0] == '{' || !bytes.ContainsAny(value, ".,"))
			return true
		}
	}
	return false
}

// secondsAndNanos reads {"seconds": 1795430702, "nanos": 0}.
func secondsAndNanos(value []byte) (time.Time, bool) {
	var m framing.Members
	seconds, nanos := -1, 0
	for m.Begin(value); m.Next(); {
		const longest = 10
		switch number := m.Value[:min(len(m.Value), longest+1)]; {
		case len(number) > longest:
		case string(m.Key) == "seconds":
			seconds = Digits(number)
		case string(m.Key) == "nanos":
			nanos = Digits(number)
		}
	}
	return time.Unix(int64(seconds), int64(nanos)).UTC(), seconds >= 0 && nanos >= 0
}
