package watcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/moby/moby/client"
)

const (
	// dockerPace is how long to wait from a notice to a look: more lines may be
	// coming. It is as long as the last look took, if that is longer, up to
	// dockerPaceMost.
	dockerPace     = 20 * time.Millisecond
	dockerPaceMost = time.Second
	// dockerSettle is SettleTime for a container: the engine takes what is
	// written line by line, and a disk may hold it up.
	dockerSettle = 250 * time.Millisecond
	// dockerIdle is how often to look without a notice.
	dockerIdle = 10 * time.Second
	// dockerRecent is how old a line may be when following begins and not be
	// history. The engine tells when it took it, which is as good as having seen
	// it; but what is older needs no such care, as nothing of it is open.
	dockerRecent = 5 * time.Minute
	// setBack is by how much the clock may be set back while nothing is read:
	// the engine leaves out what has an earlier stamp than is asked for.
	setBack = time.Hour
)

// dockerFollower is one run of dockerContainer.Follow. Everything in it belongs
// to the goroutine of that run.
//
// What the engine sends to those who follow a log cannot be relied on: when the
// log is rotated it may leave lines out, send some twice, or stop for ever, and
// when the container stops it may leave out the last ones. So it is taken for a
// notice only, that there is something to look for; what is true is read from
// the log's end, with an overlap.
type dockerFollower struct {
	*dockerContainer
	sink   Sink
	lines  dockerLines
	places dockerPlaces
	// encode is position, as a function that is made once.
	encode func() []byte

	// done is the number of the last line that was handed on. Those up to
	// again were handed on by a process before this.
	done, again int64
	// newest is the stamp of the last piece that was read.
	newest int64
	// tail is how many pieces from the log's end are asked for.
	tail int

	began     time.Time
	terminal  bool
	driver    string        // the container's log driver
	running   bool          // it ran when it was last looked at
	took      time.Duration // how long the last look took
	latest    time.Time     // when a line last came
	unsettled bool          // a line has come since Settled was called
	count     int           // lines handed on
	missing   bool          // alarm was told that lines may be
	trouble   trouble
	refused   error // what sink said
}

func newDockerFollower(c *dockerContainer, sink Sink) *dockerFollower {
	f := &dockerFollower{dockerContainer: c, sink: sink, began: time.Now()}
	f.trouble = trouble{source: c.name, alarm: c.group.alarm}
	f.encode = f.position
	if p := c.resume; p != nil {
		f.places.clean, f.again = p.dockerMark, p.Last
	}
	return f
}

// watch looks at the log as long as the engine sends notices. That it ends them
// is no error: the container has stopped, as a rule.
func (f *dockerFollower) watch(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := f.inspect(ctx); err != nil {
		return err
	}
	notices, err := f.logs(ctx, cancel, client.ContainerLogsOptions{Follow: true, Tail: "0"})
	if err != nil {
		return err
	}
	defer notices.Close()
	if err := f.look(ctx); err != nil {
		return err
	}
	f.trouble.over()
	return f.listen(ctx, notices)
}

// inspect finds out what kind of container it is.
func (f *dockerFollower) inspect(ctx context.Context) error {
	var answer client.ContainerInspectResult
	err := f.ask(ctx, func(ctx context.Context) (err error) {
		answer, err = f.group.api.ContainerInspect(ctx, f.id, client.ContainerInspectOptions{})
		return err
	})
	c := answer.Container
	if err != nil || c.Config == nil || c.State == nil || c.HostConfig == nil {
		return err
	}
	f.terminal, f.running, f.driver = c.Config.Tty, c.State.Running, c.HostConfig.LogConfig.Type
	return nil
}

// logs opens a stream of the log.
func (f *dockerFollower) logs(
	ctx context.Context, cancel func(), o client.ContainerLogsOptions,
) (io.ReadCloser, error) {
	o.ShowStdout, o.ShowStderr = true, true
	var stream io.ReadCloser
	var err error
	f.during(func() { stream, err = f.group.api.ContainerLogs(ctx, f.id, o) }, cancel)
	return stream, err
}

// listen looks at the log after each notice, and now and then without one,
// until the notices end.
func (f *dockerFollower) listen(ctx context.Context, notices io.Reader) error {
	const size = 4 << 10
	pieces, buffers := pump(ctx, notices, size)
	tick := time.NewTicker(roundEvery)
	defer tick.Stop()
	next := time.NewTimer(f.pause())
	defer next.Stop()
	noticed := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			f.turn()
		case <-next.C:
			if err := f.check(ctx, noticed); err != nil {
				return err
			}
			noticed = false
			next.Reset(f.pause())
		case p := <-pieces:
			if p.err != nil {
				return f.end(ctx, p.err)
			}
			buffers <- p.data[:size]
			if !noticed {
				noticed = true
				next.Reset(min(max(dockerPace, f.took), dockerPaceMost))
			}
		}
	}
}

// pause is how long to wait for a notice.
func (f *dockerFollower) pause() time.Duration {
	if f.unsettled {
		return max(dockerSettle-time.Since(f.latest), dockerPace)
	}
	return dockerIdle
}

// check looks at the log, and calls Settled when nothing has come for a while.
// Lines that come long after the last ones without a notice say that there will
// be no more notices.
func (f *dockerFollower) check(ctx context.Context, noticed bool) error {
	before, quiet := f.count, !f.unsettled && !noticed
	if quiet {
		if grown, err := f.grown(ctx); err != nil || !grown {
			return err
		}
	}
	if err := f.look(ctx); err != nil {
		return err
	}
	switch {
	case f.count > before && quiet:
		return errDockerStalled
	case f.count > before || time.Since(f.latest) < dockerSettle:
		return nil
	}
	return f.settle()
}

// end takes what is left when the notices have ended.
func (f *dockerFollower) end(ctx context.Context, err error) error {
	if !errors.Is(err, io.EOF) {
		return err
	}
	if err := f.look(ctx); err != nil {
		return err
	}
	return f.settle()
}

// settle says that everything was read.
func (f *dockerFollower) settle() error {
	if !f.unsettled {
		return nil
	}
	f.unsettled = false
	f.refused = f.sink.Settled(time.Now())
	return f.refused
}

// position gives the position after the line that is being handed on.
func (f *dockerFollower) position() []byte {
	m := f.places.marks[0]
	m.Low = f.lines.oldest(m.Low)
	text, _ := json.Marshal(dockerPosition{Version: 1, Container: short(f.id), dockerMark: m, Last: f.done})
	return text // nothing in it can fail
}

// rest is how long to wait for the container's log when it has ended. When one
// that has stopped starts again, Follow is woken.
func (f *dockerFollower) rest(wait time.Duration) time.Duration {
	if f.running {
		return wait
	}
	return time.Hour
}

// failed tells why the log cannot be read, if that is not told of the engine.
func (f *dockerFollower) failed(err error) {
	if err = explainContainer(f.name, f.driver, err); err != nil {
		f.trouble.lasts(err)
	}
}

// missed says, once, that the line that reading was to go on at is gone, and what
// came behind it may be, too.
func (f *dockerFollower) missed(at time.Time) {
	if f.missing {
		return
	}
	f.missing = true
	f.trouble.loss(fmt.Errorf("read %s: what was read last is gone from its log, and lines behind it may be; reading "+
		"goes on from %s (let Docker keep more of it: log options max-size and max-file)",
		f.name, at.UTC().Format(time.RFC3339)))
}
