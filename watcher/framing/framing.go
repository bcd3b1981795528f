// Package framing takes off what a collector of logs puts around each line of a program: Docker's objects and stamps,
// the names that docker compose and kubectl write in front, the kubelet's form (CRI), and the header of syslog and
// journalctl. It joins lines that came in pieces.
//
// It reports what a line looks like and does not guess whether it is so: a login that somebody sent can hold a line end
// and, behind it, a line in any of these forms. Whoever knows the form of the log compares Frame.Form with it.
//
// All of it is linear in what is read, whatever that holds, and keeps at most eight unfinished lines of 1.5 MiB.
package framing

import (
	"bytes"
	"time"
)

// Form is how a line came. The values are bits: of Compose and Kubectl one may be set together with Stamped
// (docker compose logs -t, kubectl logs --prefix --timestamps); any other is set alone.
type Form uint16

// The forms that are read.
const (
	// Bare is a line as its writer wrote it.
	Bare Form = 1 << iota
	// Object is a line of Docker's json-file driver: {"log":"text\n","stream":"stderr","time":"RFC 3339"}.
	Object
	// Fluentd is a record of Docker's fluentd driver: {"log":"text","container_name":"/odoo","source":"stderr"}.
	Fluentd
	// Stamped is a line of docker logs -t: "2026-11-23T10:45:45.456789012Z text".
	Stamped
	// Compose is a line of docker compose logs: "odoo-1  | text", with or without colours.
	Compose
	// CRI is a line as the kubelet keeps it: "2026-11-23T10:45:45.456789012Z stderr F text".
	CRI
	// Kubectl is a line of kubectl logs --prefix: "[pod/odoo-6b7d9c-x2/odoo] text".
	Kubectl
	// Syslog is a line in syslog's traditional form, or of journalctl: "Nov 23 10:45:45 host odoo[41]: text".
	Syslog
	// SyslogISO is the same with an RFC 3339 stamp (rsyslog's own default, journalctl -o short-iso):
	// "2026-11-23T10:45:45+00:00 host odoo[41]: text".
	SyslogISO
)

// The streams of a Frame.
const (
	Stdout uint8 = 1
	Stderr uint8 = 2
)

// Frame is a line and what its collector said about it.
type Frame struct {
	// Text is the line as its writer wrote it, without its end. It is valid until the next call of Next.
	Text []byte
	// Stamp is when the collector took the line, zero where it does not say; of a line in pieces, the last one.
	Stamp time.Time
	// Container names the container, or the pod and its container, in a log of several; nil elsewhere.
	Container []byte
	// PID is the number that syslog's header has behind the program's name, 0 elsewhere.
	PID int32
	// Stream is Stdout or Stderr, 0 where the collector does not say.
	Stream uint8
	Form   Form
	// Coarse is set where the Stamp is to the second only.
	Coarse bool
	// Joined is set where the line came in several pieces.
	Joined bool
}

// Unframer takes the lines of one log out of their frames. The zero value is ready.
type Unframer struct {
	pieces pieces
	text   []byte // a decoded line
}

// Next takes a line without its line feed and fills f. It returns false where the line is a piece whose rest is to
// come; f.Text is that piece then. ref, a moment close to the line's, completes stamps that have no year and is in
// their time zone; where it is zero, they are not read.
func (u *Unframer) Next(f *Frame, line []byte, ref time.Time) (whole bool) {
	size := int64(len(line))
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	*f = Frame{Text: line, Form: Bare}
	// Nearly all lines are Odoo's own, "2026-11-23 10:45:45,...", or the rest of such a record.
	if len(line) == 0 || line[0] == ' ' || len(line) > 10 && line[10] == ' ' && line[7] == '-' && line[4] == '-' {
		whole = true
	} else {
		whole = u.unframe(f, ref)
	}
	u.pieces.passed += size
	return whole
}

// Open reports whether a line has begun that has not ended. What has not ended within 1 MiB never will.
func (u *Unframer) Open() bool { return u.pieces.any() }

// unframe does what Next does for a line that may be in a frame.
func (u *Unframer) unframe(f *Frame, ref time.Time) (whole bool) {
	f.Text = bytes.TrimPrefix(f.Text, byteOrderMark)
	if len(f.Text) == 0 {
		return true
	}
	switch c := f.Text[0]; {
	case c == '{':
		return u.object(f)
	case isDigit(c) && cutStamp(f):
		return u.stamped(f)
	case cutSyslog(f, ref):
		return true
	}
	if cutCompose(f) || cutKubectl(f) {
		cutStamp(f)
	}
	return true
}

// stamped reads what stands behind a stamp: the kubelet's stream and tag, syslog's host and program, or nothing.
func (u *Unframer) stamped(f *Frame) (whole bool) {
	if part, ok := cutCRI(f); ok {
		return u.pieces.join(f, !part)
	}
	// A number must show that it is a program's name: the text that docker logs -t stamps may hold colons as well.
	if rest, pid, ok := cutHost(f.Text); ok && (pid > 0 || isOdoos(rest)) {
		f.Text, f.PID, f.Form = rest, pid, SyslogISO
	}
	return true
}

// byteOrderMark is what editors on Windows put before the first line of a file in UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// IsUTF16 reports whether b, the beginning of a file or one of its lines, is text in UTF-16 of either byte order, as
// PowerShell writes with > and Out-File. Such a log is not read: each of its lines is Bare and says nothing.
func IsUTF16(b []byte) bool {
	if len(b) < 6 {
		return false
	}
	mark := b[0] == 0xff && b[1] == 0xfe || b[0] == 0xfe && b[1] == 0xff
	high, low := b[0]|b[2]|b[4], b[1]|b[3]|b[5] // of three letters: one byte each is zero
	return mark || high == 0 && b[1] != 0 && b[3] != 0 || low == 0 && b[0] != 0 && b[2] != 0
}
