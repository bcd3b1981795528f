package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/moby/moby/client"

	"odooban/watcher"
	"odooban/watcher/lines"
)

const (
	// pace is how long to wait from a notice to a look: more lines may be
	// coming. It is as long as the last look took, if that is longer, up to
	// paceMost.
	pace     = 20 * time.Millisecond
	paceMost = time.Second
	// settleTime is watcher.SettleTime for a container: the engine takes what is
	// written line by line, and a disk may hold it up.
	settleTime = 250 * time.Millisecond
	// idle is how often to look without a notice.
	idle = 10 * time.Second
	// recent is how old a line may be when following begins and not be
	// history. The engine tells when it took it, which is as good as having seen
	// it; but what is older needs no such care, as nothing of it is open.
	recent = 5 * time.Minute
	// setBack is by how much the clock may be set back while nothing is read:
	// the engine leaves out what has an earlier stamp than is asked for.
	setBack = time.Hour
)

// follower is one run of containerLog.Follow. Everything in it belongs
// to the goroutine of that run.
//
// What the engine sends to those who follow a log cannot be relied on: when the
// log is rotated it may leave lines out, send some twice, or stop for ever, and
// when the container stops it may leave out the last ones. So it is taken for a
// notice only, that there is something to look for; what is true is read from
// the log's end, with an overlap.
type follower struct {
	*containerLog
	out    watcher.Outlet
	lines  joiner
	places places
	// encode is position, as a function that is made once.
	encode func() []byte

	// done is the number of the last line that was handed on. Those up to
	// again were handed on by a process before this.
	done, again int64
	// newest is the stamp of the last piece that was read.
	newest int64
	// tail is how many pieces from the log's end are asked for.
	tail int

	inspected
	began   time.Time
	took    time.Duration // how long the last look took
	latest  time.Time     // when a line last came
	missing bool          // alarm was told that lines may be
	trouble watcher.Trouble
}

// inspected is what the engine says of a container.
type inspected struct {
	terminal bool
	driver   string // its log driver
	running  bool   // it ran when it was last looked at
}

func newFollower(c *containerLog, sink watcher.Sink) *follower {
	f := &follower{containerLog: c, out: watcher.NewOutlet(sink), began: time.Now()}
	f.trouble = watcher.NewTrouble(c.name, c.group.alarm)
	f.encode = f.position
	if p := c.resume; p != nil {
		f.places.clean, f.again = p.mark, p.Last
	}
	return f
}

// watch looks at the log as long as the engine sends notices. That it ends them
// is no error: the container has stopped, as a rule.
func (f *follower) watch(ctx context.Context) error {
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
	f.trouble.Over()
	return f.listen(ctx, notices)
}

// inspect finds out what kind of container it is.
func (f *follower) inspect(ctx context.Context) error {
	var answer client.ContainerInspectResult
	err := ask(ctx, &f.Heartbeat, func(ctx context.Context) (err error) {
		answer, err = f.group.api.ContainerInspect(ctx, f.id, client.ContainerInspectOptions{})
		return err
	})
	c := answer.Container
	if err != nil || c.Config == nil || c.State == nil || c.HostConfig == nil {
		return err
	}
	f.inspected = inspected{c.Config.Tty, c.HostConfig.LogConfig.Type, c.State.Running}
	return nil
}

// logs opens a stream of the log.
func (f *follower) logs(
	ctx context.Context, cancel func(), o client.ContainerLogsOptions,
) (io.ReadCloser, error) {
	o.ShowStdout, o.ShowStderr = true, true
	var stream io.ReadCloser
	var err error
	during(&f.Heartbeat, func() { stream, err = f.group.api.ContainerLogs(ctx, f.id, o) }, cancel)
	return stream, err
}

// listen looks at the log after each notice, and now and then without one,
// until the notices end.
func (f *follower) listen(ctx context.Context, notices io.Reader) error {
	const size = 4 << 10
	pieces, buffers := lines.Pump(ctx, notices, size)
	tick := time.NewTicker(watcher.RoundEvery)
	defer tick.Stop()
	next := time.NewTimer(f.pause())
	defer next.Stop()
	noticed := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			f.Turn()
		case <-next.C:
			if err := f.check(ctx, noticed); err != nil {
				return err
			}
			noticed = false
			next.Reset(f.pause())
		case p := <-pieces:
			if p.Err != nil {
				return f.end(ctx, p.Err)
			}
			buffers <- p.Data[:size]
			if !noticed {
				noticed = true
				next.Reset(min(max(pace, f.took), paceMost))
			}
		}
	}
}

// pause is how long to wait for a notice.
func (f *follower) pause() time.Duration {
	if f.out.Unsettled() {
		return max(settleTime-time.Since(f.latest), pace)
	}
	return idle
}

// check looks at the log, and calls Settled when nothing has come for a while.
// Lines that come long after the last ones without a notice say that there will
// be no more notices.
func (f *follower) check(ctx context.Context, noticed bool) error {
	before, quiet := f.out.Count(), !f.out.Unsettled() && !noticed
	if quiet {
		if grown, err := f.grown(ctx); err != nil || !grown {
			return err
		}
	}
	if err := f.look(ctx); err != nil {
		return err
	}
	switch {
	case f.out.Count() > before && quiet:
		return errStalled
	case f.out.Count() > before || time.Since(f.latest) < settleTime:
		return nil
	}
	return f.settle()
}

// end takes what is left when the notices have ended.
func (f *follower) end(ctx context.Context, err error) error {
	if !errors.Is(err, io.EOF) {
		return err
	}
	if err := f.look(ctx); err != nil {
		return err
	}
	return f.settle()
}

// settle says that everything was read.
func (f *follower) settle() error { return f.out.Settle(time.Now()) }

// position gives the position after the line that is being handed on.
func (f *follower) position() []byte {
	m := f.places.marks[0]
	m.Low = f.lines.oldest(m.Low)
	text, _ := json.Marshal(position{Version: 1, Container: short(f.id), mark: m, Last: f.done})
	return text // nothing in it can fail
}

// rest is how long to wait for the container's log when it has ended. When one
// that has stopped starts again, Follow is woken.
func (f *follower) rest(wait time.Duration) time.Duration {
	if f.running {
		return wait
	}
	return time.Hour
}

// failed tells why the log cannot be read, if that is not told of the engine.
func (f *follower) failed(err error) {
	if err = explainContainer(f.name, f.driver, err); err != nil {
		f.trouble.Lasts(err)
	}
}

// missed says, once, that the line that reading was to go on at is gone, and what
// came behind it may be, too.
func (f *follower) missed(at time.Time) {
	if f.missing {
		return
	}
	f.missing = true
	f.trouble.Loss(fmt.Errorf("read %s: what was read last is gone from its log, and lines behind it may be; reading "+
		"goes on from %s (let Docker keep more of it: log options max-size and max-file)",
		f.name, at.UTC().Format(time.RFC3339)))
}
