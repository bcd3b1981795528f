package docker

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/watcher"
	"odooban/watcher/lines"
)

var dockerDay = time.Date(2026, 11, 23, 10, 45, 45, 0, time.UTC)

// stamped is a line and the second of its stamp.
type stamped struct {
	Text   string
	Second int
}

// parse takes a stream apart that comes in blocks of any size.
func parse(stream []byte, terminal, loose bool, block func(left int) int) ([]stamped, error) {
	parser, lines := newParser(terminal), joiner{loose: loose}
	var got []stamped
	var emit emitLine = func(text []byte, stamp int64) error {
		got = append(got, stamped{string(text), int(time.Duration(stamp - dockerDay.UnixNano()).Seconds())})
		return nil
	}
	for len(stream) > 0 {
		n := block(len(stream))
		err := parser.feed(stream[:n], func(c chunk) error { return lines.take(c, emit) })
		if err != nil {
			return got, err
		}
		stream = stream[n:]
	}
	return got, lines.end(emit)
}

// sent is a piece of stream 1 or 2, with the second of its stamp.
func sent(stream byte, second int, text string) []byte {
	return frame(stream, fakePiece{dockerDay.Add(time.Duration(second) * time.Second), text})
}

// typed is the same as it comes through a terminal.
func typed(second int, text string) []byte { return sent(1, second, text)[8:] }

var fullPiece = strings.Repeat("x", pieceSize)

func TestDockerStream(t *testing.T) {
	for _, test := range []struct {
		name            string
		terminal, loose bool
		stream          [][]byte
		want            []stamped
	}{
		{name: "lines", stream: [][]byte{
			sent(2, 1, "one\n"), sent(1, 2, "two\r\n"), sent(2, 2, "\n"),
		}, want: []stamped{{"one", 1}, {"two", 2}, {"", 2}}},
		{
			name: "a line in pieces", stream: [][]byte{sent(2, 1, fullPiece), sent(2, 1, "tail\n"), sent(2, 2, "next\n")},
			want: []stamped{{fullPiece + "tail", 1}, {"next", 2}},
		},
		{
			name: "a line as long as a piece", stream: [][]byte{sent(2, 1, fullPiece), sent(2, 1, "\n")},
			want: []stamped{{fullPiece, 1}},
		},
		{name: "pieces of both streams", stream: [][]byte{
			sent(2, 1, fullPiece), sent(1, 2, "between\n"), sent(2, 1, "tail\n"),
		}, want: []stamped{{"between", 2}, {fullPiece + "tail", 1}}},
		{
			name: "stamps of their own", stream: [][]byte{sent(2, 1, fullPiece), sent(2, 2, "tail\n")},
			want: []stamped{{fullPiece + "tail", 1}},
		},
		{
			name: "killed before the end", stream: [][]byte{sent(2, 1, "from 203.0.113.5"), sent(2, 2, "0 starts\n")},
			want: []stamped{{"0 starts", 2}},
		},
		{
			name: "no end yet", stream: [][]byte{sent(2, 1, "whole\n"), sent(2, 2, "from 203.0.113.5")},
			want: []stamped{{"whole", 1}},
		},
		{name: "the end left out", loose: true, stream: [][]byte{
			sent(2, 1, fullPiece), sent(2, 1, "tail"), sent(1, 2, "next\n"), sent(2, 3, "half"),
		}, want: []stamped{{fullPiece + "tail", 1}, {"next", 2}}},
		{
			name: "the end left out at the end", loose: true, stream: [][]byte{sent(2, 1, fullPiece), sent(2, 1, "")},
			want: []stamped{{fullPiece, 1}},
		},
		{
			name: "a terminal", terminal: true, stream: [][]byte{typed(1, "one\r\n"), typed(2, "\r\n"), typed(2, "two\r\n")},
			want: []stamped{{"one", 1}, {"", 2}, {"two", 2}},
		},
		{name: "a terminal's line in pieces", terminal: true, stream: [][]byte{
			typed(1, fullPiece), typed(1, fullPiece), typed(1, "tail\r\n"), typed(2, "next\r\n"),
		}, want: []stamped{{fullPiece + fullPiece + "tail", 1}, {"next", 2}}},
		{name: "a terminal's line as long as a piece", terminal: true, stream: [][]byte{
			typed(1, fullPiece), typed(1, "\r\n"), typed(2, "next\r\n"),
		}, want: []stamped{{fullPiece, 1}, {"next", 2}}},
		{name: "a terminal's longer pieces", terminal: true, stream: [][]byte{
			typed(1, fullPiece+"2026 and on\r\n"), typed(2, "next\r\n"),
		}, want: []stamped{{fullPiece + "2026 and on", 1}, {"next", 2}}},
		{
			name: "a stamp in a login", stream: [][]byte{sent(2, 1, "x 2026-11-23T10:45:46.000000000Z y\n")},
			want: []stamped{{"x 2026-11-23T10:45:46.000000000Z y", 1}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			stream := bytes.Join(test.stream, nil)
			for name, block := range map[string]func(int) int{
				"whole": func(left int) int { return left },
				"bytes": func(int) int { return 1 },
				"mixed": func(left int) int { return min(left, 1+rand.IntN(40)) },
			} {
				got, err := parse(stream, test.terminal, test.loose, block)
				if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
					t.Errorf("%s: %v (-want +got):\n%.500s", name, err, diff)
				}
			}
		})
	}
}

func TestDockerStreamThatIsNone(t *testing.T) {
	for _, test := range []struct {
		name, stream string
		terminal     bool
		want         string
	}{
		{"no frame", "HTTP/1.1 200 OK", false, errStream.Error()},
		{"no stamp", "\x01\x00\x00\x00\x00\x00\x00\x06hello\n", false, errStream.Error()},
		{"half a stamp", "\x01\x00\x00\x00\x00\x00\x00\x0c2026-11-23 \n", false, errStream.Error()},
		{"an old stamp", "0001-01-01T00:00:00.000000000Z x\n", true, errStream.Error()},
		{"no stamp from a terminal", strings.Repeat("x", 100), true, errStream.Error()},
		{"an error of the engine's", "\x03\x00\x00\x00\x00\x00\x00\x05oops\n", false, "the engine says: oops"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parse([]byte(test.stream), test.terminal, false, func(int) int { return 1 })
			if err == nil || err.Error() != test.want || len(got) > 0 {
				t.Errorf("%v, error %v, want %s", got, err, test.want)
			}
		})
	}
}

// A line without an end is not kept whole.
func TestDockerLineIsBounded(t *testing.T) {
	var stream []byte
	for range 300 {
		stream = append(stream, sent(2, 1, fullPiece)...)
	}
	stream = append(stream, sent(2, 1, "from 203.0.113.5\n")...)
	got, err := parse(stream, false, false, func(left int) int { return min(left, block) })
	if err != nil || len(got) != 1 || len(got[0].Text) != lines.Longest || !strings.HasSuffix(got[0].Text, "xfrom 203.0.113.5") {
		t.Errorf("%d lines, error %v", len(got), err)
	}
}

// FuzzDockerStream wants lines that do not depend on where blocks end, and
// nothing kept that grows.
func FuzzDockerStream(f *testing.F) {
	f.Add(append(sent(2, 1, "one\n"), sent(1, 1, "two")...), false, uint8(3))
	f.Add(append(typed(1, "one\r\n"), typed(2, fullPiece)...), true, uint8(7))
	f.Add([]byte("\x03\x00\x00\x00\x00\x00\x00\x05oops\n"), false, uint8(1))
	f.Add([]byte("\x01\x00\x00\x00\xff\xff\xff\xff2026-11-23T10:45:45.000000001Z x\n"), false, uint8(9))
	f.Fuzz(func(t *testing.T, stream []byte, terminal bool, size uint8) {
		want, wantErr := parse(stream, terminal, size%2 == 0, func(left int) int { return left })
		got, err := parse(stream, terminal, size%2 == 0, func(left int) int { return min(left, int(size)+1) })
		if diff := cmp.Diff(want, got); diff != "" || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("errors %v and %v (-whole +blocks):\n%s", wantErr, err, diff)
		}
		for _, line := range got {
			if strings.Contains(line.Text, "\n") {
				t.Errorf("a line with an end in it: %q", line.Text)
			}
		}
	})
}

func FuzzDockerPosition(f *testing.F) {
	f.Add([]byte(`{"version":1,"container":"0123456789ab","from":1795430745000000000,"low":1795430745000000000,"last":1795430745000000001}`))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parsePosition(text, "0123456789ab")
		if err != nil && !errors.Is(err, watcher.ErrPosition) {
			t.Errorf("error: %v", err)
		}
		if err == nil && (p.Low <= int64(setBack) || p.Low > p.From || p.From > p.Last) {
			t.Errorf("taken: %+v", p)
		}
	})
}
