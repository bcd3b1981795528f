package journald

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// entry is one entry of the journal, as far as it is of use.
type entry struct {
	// cursor says to journalctl which entry this is.
	cursor string
	// boot and monotonic are when journald took it: the boot's id, and the
	// microseconds since. stamp is the same by the clock on the wall.
	boot      string
	monotonic int64
	stamp     time.Time
	// text is the line; a NUL is its end if it is not over.
	text []byte
	// dropped, if not zero, is how many lines journald says it has left out
	// here; there is no line then.
	dropped uint64
}

// maxMonotonic bounds the time since boot: almost nine years, in microseconds.
const maxMonotonic = 1 << (63 - ordinalBits)

// parseEntry reads what journalctl writes as one line of JSON:
// https://systemd.io/JOURNAL_EXPORT_FORMATS, the section about JSON. Numbers
// are strings; a text that is not UTF-8, or has control characters, is an
// array of its bytes; a field that was too long is null.
func parseEntry(data []byte) (entry, error) {
	var raw struct {
		Cursor    string `json:"__CURSOR"`
		Realtime  string `json:"__REALTIME_TIMESTAMP"`
		Monotonic string `json:"__MONOTONIC_TIMESTAMP"`
		Boot      string `json:"_BOOT_ID"`
		Break     string `json:"_LINE_BREAK"`
		Dropped   string `json:"N_DROPPED"`
		Message   text   `json:"MESSAGE"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return entry{}, err
	}
	e := entry{cursor: raw.Cursor, boot: raw.Boot, text: raw.Message}
	if !isCursor(e.cursor) || !isBoot(e.boot) {
		return entry{}, errors.New("no cursor or no boot id")
	}
	if err := e.time(raw.Realtime, raw.Monotonic); err != nil {
		return entry{}, err
	}
	if raw.Dropped != "" {
		n, err := strconv.ParseUint(raw.Dropped, 10, 64)
		e.dropped = n
		return e, err
	}
	if raw.Message == nil || bytes.IndexByte(e.text, '\n') >= 0 {
		return entry{}, errors.New("no line")
	}
	if raw.Break != "" {
		e.text = append(e.text, 0)
	}
	return e, nil
}

// time reads the two times of an entry.
func (e *entry) time(realtime, monotonic string) error {
	const latest = 253402300800e6 // the year 10000
	at, err := strconv.ParseInt(realtime, 10, 64)
	if err != nil || at < 0 || at >= latest {
		return fmt.Errorf("no time: %q", realtime)
	}
	e.stamp = time.UnixMicro(at)
	e.monotonic, err = strconv.ParseInt(monotonic, 10, 64)
	if err != nil || e.monotonic < 0 || e.monotonic >= maxMonotonic {
		return fmt.Errorf("no time since boot: %q", monotonic)
	}
	return nil
}

// text is a text as journalctl writes it.
type text []byte

// UnmarshalJSON reads a string or an array of bytes.
func (t *text) UnmarshalJSON(data []byte) error {
	var err error
	switch data[0] {
	case '"':
		var s string
		err = json.Unmarshal(data, &s)
		*t = append(text{}, s...)
	case '[':
		var b []byte
		err = json.Unmarshal(data, &b)
		*t = append(text{}, b...)
	default:
		err = errors.New("text is neither a string nor bytes")
	}
	return err
}

// isCursor says whether s can be handed to journalctl as a cursor.
func isCursor(s string) bool {
	const longest = 256
	const made = "0123456789abcdefghijklmnopqrstuvwxyz=;"
	return s != "" && len(s) <= longest && strings.Trim(s, made) == ""
}

// isBoot says whether s is the id of a boot.
func isBoot(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == ""
}
