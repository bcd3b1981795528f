package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/moby/moby/client"

	"odooban/watcher"
	"odooban/watcher/lines"
)

const (
	// leastTail and mostTail bound how many pieces from a log's end are asked
	// for; beyond that it is all since a moment, for which the engine reads the
	// whole log.
	leastTail, mostTail = 64, 100_000
	// block is how much is read at a time.
	block = 32 << 10
)

// look hands on what is new in the log. It reads from a line on that is known:
// if that is not among the last ones, from further back.
func (f *follower) look(ctx context.Context) error {
	began := time.Now()
	defer func() { f.took = time.Since(began) }()
	if f.out.Count() == 0 {
		f.tail = mostTail + 1
	}
	for {
		l := &reading{follower: f, seeking: f.places.clean.From > 0, whole: f.tail > mostTail}
		err := l.read(ctx, l.options(), l.chunk)
		if err == nil {
			err = l.lines.end(l.line)
		}
		if err != nil || !l.seeking || l.whole {
			f.tail = max(leastTail, 2*l.fresh)
			return err
		}
		if f.tail *= 16; l.pieces < f.tail/16 {
			f.tail = mostTail + 1 // there is no more to be had in pieces
		}
	}
}

// reading is one reading of the log's end.
type reading struct {
	*follower
	// seeking says that the line has not come from which all is new or counted,
	// whole that it comes if it is still there.
	seeking, whole bool
	// vague says that the first piece has the stamp of that line already: others
	// may have it, too, so that is not to be told from those.
	vague         bool
	pieces, fresh int // that came, and that were new
}

// grown says whether the log's last piece is another than was read last. That
// costs the engine less than a look.
func (f *follower) grown(ctx context.Context) (grown bool, err error) {
	err = f.read(ctx, client.ContainerLogsOptions{Timestamps: true, Tail: "1"}, func(c chunk) error {
		grown = c.stamp != f.newest
		return nil
	})
	return grown, err
}

// read takes what the engine gives to its end.
func (f *follower) read(ctx context.Context, o client.ContainerLogsOptions, take func(chunk) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := f.logs(ctx, cancel, o)
	if err != nil {
		return err
	}
	defer stream.Close()
	parser := newParser(f.terminal)
	pieces, buffers := lines.Pump(ctx, stream, block)
	tick := time.NewTicker(watcher.RoundEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			f.Turn()
		case p := <-pieces:
			err := parser.feed(p.Data, take)
			if err == nil {
				err = p.Err
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			buffers <- p.Data[:block]
		}
	}
}

// options ask for everything behind the line where all began to be new, and for
// lines that have no end yet once more.
func (l *reading) options() client.ContainerLogsOptions {
	o := client.ContainerLogsOptions{Timestamps: true}
	if l.seeking {
		since := l.lines.oldest(l.places.clean.Low) - int64(setBack)
		o.Since = fmt.Sprintf("%d.%09d", since/1e9, since%1e9)
		l.places.last = l.places.clean.From - 1
	}
	if !l.whole {
		o.Tail = strconv.Itoa(l.tail)
	}
	l.lines.drop()
	l.lines.loose = l.driver != "json-file" && l.driver != "journald"
	return o
}

// chunk takes a part of the log.
func (l *reading) chunk(c chunk) error {
	if l.pieces == 0 {
		l.vague = !l.whole && c.stamp == l.places.clean.From
	}
	if c.first {
		l.pieces++
		l.newest = c.stamp
	}
	if c.first && c.stamp > l.done {
		l.fresh++
	}
	return l.lines.take(c, l.line)
}

// line takes a line, and hands it on unless that was done.
func (l *reading) line(text []byte, stamp int64) error {
	if l.seeking {
		from := l.places.clean.From
		if stamp < from || stamp > from && !l.whole || l.vague {
			return nil
		}
		l.seeking = false
		if stamp > max(from, l.done, l.again) {
			l.missed(time.Unix(0, stamp))
		}
	}
	number := l.places.number(stamp)
	if number <= l.done {
		return nil
	}
	l.places.pass(number, stamp, len(text))
	l.done, l.latest = number, time.Now()
	l.trouble.Over()
	at := time.Unix(0, stamp)
	place := watcher.Place{Generation: short(l.id), Offset: number}
	line := watcher.Line{Text: text, Stamp: at, Place: place, Position: l.encode}
	if l.began.Sub(at) <= recent {
		line.Seen = at
	}
	return l.out.Line(line)
}
