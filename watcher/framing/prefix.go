package framing

import (
	"bytes"
	"time"
)

// cutStamp cuts "2026-11-23T10:45:45.456789012Z " and notes the form Stamped, beside the one that there is unless that
// is Bare.
func cutStamp(f *Frame) bool {
	const shortest = len("2026-11-23T10:45:45Z")
	if len(f.Text) < shortest || f.Text[10] != 'T' {
		return false
	}
	t, zoned, n := CutTime(f.Text)
	if !zoned || n < len(f.Text) && f.Text[n] != ' ' {
		return false
	}
	const fraction = len("2026-11-23T10:45:45")
	f.Stamp, f.Coarse = t, f.Text[fraction] != '.' && f.Text[fraction] != ','
	f.Text = f.Text[min(n+1, len(f.Text)):]
	f.Form = f.Form&^Bare | Stamped
	return true
}

// cutCRI cuts "stderr F " from what stands behind a stamp (kubelet, pkg/kubelet/kuberuntime/logs, CRI logging format:
// tags are separated by colons, and the first is F for a whole line or its end, P for a piece with more to come).
func cutCRI(f *Frame) (part, ok bool) {
	stream, rest, ok := bytes.Cut(f.Text[:min(len(f.Text), len("stderr "))], blank)
	if !ok || len(rest) > 0 {
		return false, false
	}
	tags := f.Text[len(stream)+1:]
	is, ok := streamOf(stream)
	if !ok || len(tags) == 0 || tags[0] != 'F' && tags[0] != 'P' || len(tags) > 1 && tags[1] != ' ' && tags[1] != ':' {
		return false, false
	}
	end := bytes.IndexByte(tags, ' ')
	if end < 0 {
		end = len(tags) - 1
	}
	f.Text, f.Stream, f.Form = tags[end+1:], is, CRI
	return tags[0] == 'P', true
}

// streamOf reads the name of a stream.
func streamOf(name []byte) (is uint8, ok bool) {
	switch string(name) {
	case "stdout":
		return Stdout, true
	case "stderr":
		return Stderr, true
	}
	return 0, false
}

// longestName bounds the names of containers, hosts and programs.
const longestName = 256

// cutCompose cuts "odoo-1  | ", which docker compose logs puts in front of each line, where it is a terminal between
// two sequences for colours: version 1 has the second before the blank, version 2 behind it.
func cutCompose(f *Frame) bool {
	b, coloured := cutColour(f.Text)
	n := nameLen(b)
	bar := n
	for bar < len(b) && bar < longestName && b[bar] == ' ' {
		bar++
	}
	if n == 0 || bar == n || bar == len(b) || b[bar] != '|' {
		return false
	}
	rest := b[bar+1:]
	if coloured {
		rest, _ = cutColour(rest)
	}
	if len(rest) > 0 && rest[0] != ' ' {
		return false
	}
	rest = bytes.TrimPrefix(rest, blank) // Where blanks at the end were trimmed, an empty line has none.
	if coloured {
		rest, _ = cutColour(rest)
	}
	f.Container, f.Text, f.Form = b[:n], rest, Compose
	return true
}

var blank = []byte(" ")

// nameLen is how many bytes at the start of b may be of the name of a container, a host or a program.
func nameLen(b []byte) int {
	for i, c := range b[:min(len(b), longestName)] {
		if letter := c|0x20 >= 'a' && c|0x20 <= 'z'; !letter && !isDigit(c) && c != '-' && c != '_' && c != '.' {
			return i
		}
	}
	return min(len(b), longestName)
}

// cutColour cuts one sequence for colours, "ESC[36m".
func cutColour(b []byte) (rest []byte, ok bool) {
	const longest = 32
	if len(b) < 3 || b[0] != 0x1b || b[1] != '[' {
		return b, false
	}
	for i, c := range b[2:min(len(b), longest)] {
		if c == 'm' {
			return b[i+3:], true
		}
		if !isDigit(c) && c != ';' {
			break
		}
	}
	return b, false
}

// cutKubectl cuts "[pod/odoo-6b7d9c-x2/odoo] ".
func cutKubectl(f *Frame) bool {
	rest, ok := bytes.CutPrefix(f.Text, []byte("[pod/"))
	if !ok {
		return false
	}
	pod := nameLen(rest)
	if pod == 0 || pod == len(rest) || rest[pod] != '/' {
		return false
	}
	end := pod + 1 + nameLen(rest[pod+1:])
	if end == pod+1 || end == len(rest) || rest[end] != ']' || end+1 < len(rest) && rest[end+1] != ' ' {
		return false
	}
	f.Container, f.Text, f.Form = rest[:end], rest[min(end+2, len(rest)):], Kubectl
	return true
}

// cutSyslog cuts "Nov 23 10:45:45 host odoo[41]: ", with or without a host (journalctl --no-hostname), with a fraction
// of a second or not (journalctl -o short-precise).
func cutSyslog(f *Frame, ref time.Time) bool {
	t, n := CutYearless(f.Text, ref)
	if n == 0 || n == len(f.Text) || f.Text[n] != ' ' {
		return false
	}
	rest, pid, ok := cutHost(f.Text[n+1:])
	if !ok {
		if rest, pid, ok = cutTag(f.Text[n+1:]); !ok {
			return false
		}
	}
	f.Stamp, f.Coarse = t, n == len("Nov 23 10:45:45")
	f.Text, f.PID, f.Form = rest, pid, Syslog
	return true
}

// cutHost cuts the name of a host and that of a program: "erp odoo[41]: ".
func cutHost(b []byte) (rest []byte, pid int32, ok bool) {
	n := nameLen(b)
	if n == 0 || n == len(b) || b[n] != ' ' {
		return nil, 0, false
	}
	return cutTag(b[n+1:])
}

// isOdoos reports whether b is text of Odoo's own --syslog, "Odoo Server 18.0:...", before which no program is named.
func isOdoos(b []byte) bool {
	return bytes.HasPrefix(b, []byte("Odoo Server ")) || bytes.HasPrefix(b, []byte("OpenERP Server "))
}

// cutTag cuts the name of a program: "odoo[41]: ".
func cutTag(b []byte) (rest []byte, pid int32, ok bool) {
	n := nameLen(b)
	if n == 0 || isOdoos(b) {
		return b, 0, n > 0
	}
	const longestPID = 9
	if b = b[n:]; len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b[:min(len(b), longestPID+2)], ']')
		if end < 2 || !isNumber(b[1:end]) {
			return nil, 0, false
		}
		pid, b = int32(Digits(b[1:end])), b[end+1:]
	}
	if len(b) == 0 || b[0] != ':' || len(b) > 1 && b[1] != ' ' {
		return nil, 0, false
	}
	return b[min(2, len(b)):], pid, true
}
