package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"odooban/internal/samplelog"
)

// backlog is how large a log is that odooban has not read yet, in bytes.
const backlog = 1 << 30

// catchUp measures how long a daemon takes that is started on a large log of which
// it knows nothing, and what it says then of how much it has read.
func (b *bench) catchUp() error {
	fmt.Fprintf(b.out, "\nStarted on logs of %d MiB of which nothing is known:\n\n", backlog>>20)
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "wall s\tCPU s\tRSS MB\tpeak MB\tlines\tfailures\t  measure\n")
	for _, log := range []struct {
		name string
		mix  samplelog.Mix
	}{
		{"2 % failed logins", samplelog.Odoo},
		{"90 % failed logins", samplelog.Attack},
	} {
		s, err := b.prepare(0, nil)
		if err != nil {
			return err
		}
		if err := b.catchUpWith(s, log.mix, log.name, w); err != nil {
			s.close()
			return err
		}
		s.close()
	}
	return w.Flush()
}

func (b *bench) catchUpWith(s *site, mix samplelog.Mix, name string, w *tabwriter.Writer) error {
	lines, err := fill(s.log, mix)
	if err != nil {
		return err
	}
	d, err := s.odooban(b.ctx, b.program)
	if err != nil {
		return err
	}
	defer d.kill()
	err = until(b.ctx, 20*time.Millisecond, "all is read", func() (bool, error) {
		_, source, err := d.status(b.ctx)
		return source.Lines >= lines, err
	})
	if err != nil {
		return err
	}
	took, used := time.Since(d.began), d.used()
	_, source, err := d.status(b.ctx)
	fmt.Fprintf(w, "%.2f\t%.2f\t%.0f\t%.0f\t%d\t%d\t  %s\n",
		took.Seconds(), used.cpu.Seconds(), d.memory(), d.peak(), source.Lines, source.Failures, name)
	return err
}

// fill writes a log and counts its lines.
func fill(path string, mix samplelog.Mix) (lines uint64, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	count := &lineCounter{Writer: f}
	_, err = mix.Write(count, 1, backlog)
	return count.lines, err
}

type lineCounter struct {
	io.Writer
	lines uint64
}

func (c *lineCounter) Write(b []byte) (int, error) {
	c.lines += uint64(bytes.Count(b, []byte{'\n'}))
	return c.Writer.Write(b)
}
