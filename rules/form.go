package rules

import (
	"bytes"
	"time"
)

// A login may hold records in every form that a Scanner reads: lines as JSON
// formatters, Docker, `docker compose logs` and syslog write them. A log has one
// form. It is that of the first record that holds a login as it was submitted:
// what somebody forges comes behind one. Lines in another form are text then. The
// same is true of the names of users in Traefik's common format.

// form says how a line came. Nothing can be forged in a log in JSON, so a line in
// JSON shows no form.
type form uint8

const (
	plainForm form = 1 << iota
	jsonForm
	syslogForm
	commonForm  // Traefik's
	stampedForm // behind what `docker logs -t` puts in front
	composeForm // behind a container's name
	objectForm  // in an object of Docker's

	// wrapping is what all containers of a log have in common.
	wrapping = composeForm | objectForm
)

// traefikLog stands for Traefik's lines among the containers.
const traefikLog = ^uint32(0)

// forms are the forms that a log has shown; each container has its own.
type forms struct {
	known map[uint32]form
	wrap  form // what all lines come in, once there is a known form
	// latest is the container whose form was noted last, and that form: nearly
	// always it is asked for next.
	latest struct {
		container uint32
		is        form
	}
	// object says that the line at hand came in an object of Docker's.
	object bool
	// last is how many bytes had been read when a record in its form came at
	// the latest, burst the burst of the line before.
	last  int64
	burst uint64
	// begins says that the line at hand is the first of its burst.
	begins bool
	// others is how many bursts in turn began with a record in another form.
	others int
}

// otherForms is how many bursts in turn begin with a record in another form
// before the log is taken for one that changed.
const otherForms = 3

// settled says whether the log has shown its form.
func (f *forms) settled() bool { return len(f.known) > 0 }

// fit says whether a record of a container can be one of the log's.
func (f *forms) fit(is form, container uint32) bool {
	if !f.settled() {
		return true
	}
	if f.isLatest(is, container) {
		return true
	}
	known := f.known[container]
	return is&wrapping == f.wrap && (known == 0 || known == is)
}

// note takes a line that somebody could have forged more behind, and how many bytes
// had been read by then.
func (f *forms) note(is form, container uint32, offset int64) {
	const most = 4096
	f.last = offset
	if f.isLatest(is, container) && len(f.known) < most {
		return
	}
	if f.known == nil || len(f.known) >= most {
		f.known = make(map[uint32]form)
	}
	if f.known[container] != is {
		f.known[container], f.wrap = is, is&wrapping
	}
	if is&wrapping == f.wrap {
		f.latest.container, f.latest.is = container, is
	}
}

// isLatest says whether the form is the one noted last, and of that container.
func (f *forms) isLatest(is form, container uint32) bool {
	return is != 0 && is == f.latest.is && container == f.latest.container
}

// parse takes a line apart, if it is in the form of the log.
func (s *Scanner) parse(r *record, text []byte) bool {
	if !s.parseAny(r, text) {
		return false
	}
	if s.forms.object {
		r.form |= objectForm
	}
	return s.forms.fit(r.form, r.proc.container)
}

// parseAny takes a line apart, whatever form it has.
func (s *Scanner) parseAny(r *record, text []byte) bool {
	if s.plain.parse(r, text) {
		return true
	}
	if len(text) > 0 && text[0] == '{' {
		return parseJSON(r, text, s.ref)
	}
	name, rest := cutCompose(text)
	if name != nil {
		r.proc.container = s.container(name)
	}
	unnamed := len(rest)
	if rest = cutStamp(rest); len(rest) < len(text) && (s.plain.parse(r, rest) || parseJSON(r, rest, s.ref)) {
		if name != nil {
			r.form |= composeForm
		}
		if len(rest) < unnamed {
			r.form |= stampedForm
		}
		return true
	}
	return parseSyslog(r, text, s.ref)
}

// unwrap returns the line that Docker holds in an object, as dockerLog.unwrap
// does; in a log that is not kept so, an object is a part of a login.
func (s *Scanner) unwrap(line []byte) (text []byte, joined, ok bool) {
	f := &s.forms
	if f.object = false; f.settled() && f.wrap&objectForm == 0 {
		return line, false, true
	}
	text, joined, ok = s.docker.unwrap(line, s.offset)
	f.object = !ok || joined || len(text) != len(line)
	return text, joined, ok
}

// formed takes note of the form of a line, and whether it is the log's own, and says
// whether the log has changed its form: if live, where a burst begins with a true
// line, several began with others, and if in history a horizon has passed without
// one in its form.
func (s *Scanner) formed(is form, own bool, seen time.Time) (changed bool) {
	f := &s.forms
	f.begins = f.burst != s.burst && !seen.IsZero()
	f.burst = s.burst
	switch {
	case !f.settled() || !f.begins && !seen.IsZero():
		return false
	case own:
		f.last, f.others = s.offset, 0
	case is != 0 && seen.IsZero():
		changed = s.offset-f.last > horizon
	case is != 0:
		f.others++
		changed = f.others >= otherForms
	}
	if changed {
		f.known, f.others = nil, 0
		f.latest.is = 0
	}
	return changed
}

// formOf is the form of a line that was no record in the log's form.
func formOf(r *record, text []byte) form {
	if r.form == 0 && bytes.HasPrefix(text, dockerPrefix) {
		return objectForm
	}
	return r.form
}

// parseProxied reads a line of Traefik's, if it is in the form of the log.
func (s *Scanner) parseProxied(q *proxied, line Line) bool {
	if !parseTraefik(q, line.Text) {
		s.formed(0, false, line.Seen)
		return false
	}
	is := commonForm
	if q.sealed {
		is = jsonForm
	}
	if s.forms.object {
		is |= objectForm
	}
	own := s.forms.fit(is, traefikLog)
	own = s.formed(is, own, line.Seen) || own
	if own && !q.sealed {
		s.forms.note(is, traefikLog, s.offset)
	}
	return own
}
