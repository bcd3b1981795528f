package framing

import "bytes"

// object reads a line that Docker keeps as an object, from the json-file driver
//
//	{"log":"2026-11-23 10:45:45,456 1 INFO db odoo: started\n","stream":"stderr","time":"2026-11-23T10:45:45.456789Z"}
//
// (daemon/logger/jsonfilelog/jsonlog) or the fluentd driver (daemon/logger/fluentd), which leaves the line's end out
// and marks pieces instead. Members may stand in any order, and there may be more. Any other object is a line of its
// writer's, and so is one behind which anything stands: that is how a login ends which holds an object.
func (u *Unframer) object(f *Frame) (whole bool) {
	var o object
	if !bytes.Contains(f.Text, []byte(`"log"`)) || !o.read(f.Text) {
		return true
	}
	if t, _, n := CutTime(o.time); n == len(o.time) {
		f.Stamp = t
	}
	f.Stream, f.Container, f.Form = o.stream, o.container, Object
	if o.fluentd {
		f.Form = Fluentd
	}
	text, ended := u.decode(o.log)
	f.Text = text
	return u.pieces.join(f, ended || o.ends())
}

// decode returns what a JSON string says, without the line feed that it ends in, and whether it does.
func (u *Unframer) decode(raw []byte) (text []byte, ended bool) {
	i := bytes.IndexByte(raw, '\\')
	if i < 0 {
		return raw, false
	}
	if i == len(raw)-2 && raw[i+1] == 'n' { // nearly always
		return raw[:i], true
	}
	const spare = 64 << 10 // A larger buffer is not kept.
	if cap(u.text) > spare {
		u.text = nil
	}
	u.text = AppendUnquoted(u.text[:0], raw)
	return bytes.CutSuffix(u.text, []byte("\n"))
}

// object is what matters of an object that holds a line.
type object struct {
	log, time, container []byte
	stream               uint8
	fluentd              bool
	partial              bool // it is marked as a piece
	last                 bool // it is marked as a line's last piece, or as a whole line
}

// read takes an object apart, and reports whether it is one that holds a line.
func (o *object) read(line []byte) bool {
	var m Members
	m.Begin(line)
	for m.Next() {
		value, ok := m.Raw()
		if !ok {
			continue
		}
		switch string(m.Key) {
		case "log":
			o.log = value
		case "stream":
			o.stream, _ = streamOf(value)
		case "time":
			o.time = value
		case "source":
			o.stream, _ = streamOf(value)
			o.fluentd = true
		case "container_name":
			o.container, o.fluentd = bytes.TrimPrefix(value, []byte("/")), true
		case "partial_message":
			o.partial = string(value) == "true"
		case "partial_last":
			o.last = string(value) == "true"
		case "logtag": // The kubelet's tag, as collectors pass it on.
			o.partial, o.last = string(value) == "P", string(value) == "F"
		}
	}
	return m.Ended && o.log != nil && (o.stream != 0 || o.fluentd)
}

// ends reports whether an object whose text does not end in a line feed ends a line.
func (o *object) ends() bool { return o.last || o.fluentd && !o.partial }
