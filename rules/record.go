package rules

import (
	"bytes"
	"time"
)

// record is the header of one Odoo log record, taken apart. Its slices point
// into the line it was read from.
type record struct {
	when   time.Time
	proc   process
	level  []byte
	db     []byte
	logger []byte
	msg    []byte
	writer writer
	// name is db as a string, where that was at hand.
	name string
	// sealed is set where the format escapes line ends (JSON), so that no
	// login can hold a further line.
	sealed bool
	form   form
	// coarse is set where the time is to the second.
	coarse bool
}

// database returns the record's database, or nothing where Odoo wrote that it
// had none ("?" or "None").
func (r *record) database() []byte {
	if len(r.db) == 1 && r.db[0] == '?' || string(r.db) == "None" {
		return nil
	}
	return r.db
}

// plain reads records in Odoo's own format. It remembers what the latest had in
// common with the next. The zero value is ready.
type plain struct {
	minute   minute
	headings headings
}

// parse reads Odoo's own format, with or without colours:
//
//	2026-11-23 10:45:24,131 28281 INFO openspp odoo.http: message
//
// (odoo/netsvc.py, init_logger: '%(asctime)s %(pid)s %(levelname)s
// %(dbname)s %(name)s: %(message)s %(perf_info)s'; ColoredFormatter wraps
// the level in escape sequences).
func (p *plain) parse(r *record, line []byte) bool {
	when, ok := p.minute.parse(line)
	if !ok || len(line) <= stampLen || line[stampLen] != ' ' {
		return false
	}
	pid, rest, ok := cutPID(line[stampLen+1:])
	if !ok || !p.headings.cut(r, rest) {
		return false
	}
	r.when, r.proc.pid, r.form = when, pid, plainForm
	return true
}

var space = []byte(" ")

// cutWord cuts what stands before the first blank off.
func cutWord(b []byte) (word, rest []byte, ok bool) { return bytes.Cut(b, space) }

// cutPID cuts a process number and the blank behind it.
func cutPID(b []byte) (pid int32, rest []byte, ok bool) {
	const longest = 9
	for i, c := range b[:min(len(b), longest+1)] {
		if c == ' ' {
			return pid, b[i+1:], i > 0
		}
		if c < '0' || c > '9' {
			break
		}
		pid = pid*10 + int32(c-'0')
	}
	return 0, nil, false
}

// isLevel knows Python's level names and the two that Odoo adds.
func isLevel(b []byte) bool {
	switch string(b) {
	case "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "RUNBOT", "TEST":
		return true
	}
	return false
}

// isLogger says whether b can be the dotted name of a Python logger.
func isLogger(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c == ':' || c >= 0x7f {
			return false
		}
	}
	return len(b) > 0
}

// escape begins what sets a colour.
const escape = 0x1b

// stripColour removes "ESC[...m" before and behind b.
func stripColour(b []byte) []byte {
	for len(b) > 2 && b[0] == escape && b[1] == '[' {
		end := bytes.IndexByte(b, 'm')
		if end < 0 {
			return b
		}
		b = b[end+1:]
	}
	if i := bytes.IndexByte(b, escape); i >= 0 {
		b = b[:i]
	}
	return b
}

// cutCompose cuts what `docker compose logs` puts in front of each line,
// "odoo-1  | ", and returns the container's name.
func cutCompose(line []byte) (container, rest []byte) {
	const longest = 128
	head := line[:min(len(line), longest)]
	end := bytes.Index(head, []byte(" | "))
	if end <= 0 {
		return nil, line
	}
	name := bytes.TrimRight(head[:end], " ")
	if bytes.IndexByte(name, ' ') >= 0 {
		return nil, line
	}
	return name, line[end+3:]
}

// parseSyslog reads what Odoo writes with --syslog, behind whatever header
// the system's logger put there:
//
//	Nov 23 10:45:24 erp Odoo Server 18.0:openspp:INFO:odoo.http:message
//
// (odoo/netsvc.py: '%s %s:%(dbname)s:%(levelname)s:%(name)s:%(message)s' of
// the product's description and version).
func parseSyslog(r *record, line []byte, ref time.Time) bool {
	const longest = 256
	at := bytes.Index(line[:min(len(line), longest)], []byte(" Server "))
	if at < 0 || !isProduct(line[:at]) {
		return false
	}
	parts := bytes.SplitN(line[at+len(" Server "):], []byte(":"), 5)
	if len(parts) != 5 || !isLevel(parts[2]) || !isLogger(parts[3]) {
		return false
	}
	when, ok := parseSyslogTime(line, ref)
	if !ok {
		return false
	}
	r.when, r.level, r.db, r.logger, r.msg = when, parts[2], parts[1], parts[3], bytes.TrimPrefix(parts[4], space)
	r.writer = writerOf(r.logger)
	r.coarse, r.form = when.Nanosecond() == 0, syslogForm
	return true
}

// isProduct says whether head ends in the name Odoo goes by.
func isProduct(head []byte) bool {
	return bytes.HasSuffix(head, []byte("Odoo")) || bytes.HasSuffix(head, []byte("OpenERP"))
}
