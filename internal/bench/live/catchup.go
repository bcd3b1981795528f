package main

import (
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"odooban/internal/samplelog"
)

// backlog is how large a log is that odooban has not read yet, in bytes.
const backlog = 1 << 30

// catchUp measures how long a daemon takes that is started on a large log of which
// it knows nothing, in rounds.
func (b *bench) catchUp() error {
	s, err := b.site()
	if err != nil {
		return err
	}
	s.close()
	lines, err := fill(s.log)
	if err != nil {
		return err
	}
	var took, cpu []float64
	var peak float64
	for range b.rounds {
		c, err := b.readAll(s.log, lines)
		if err != nil {
			return err
		}
		took, cpu, peak = append(took, c.wall), append(cpu, c.cpu), max(peak, c.peak)
	}
	fmt.Fprintf(b.out, "\nStarted on a log of %d MiB of which nothing is known:\n\n", backlog>>20)
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "wall s\tCPU s\tns a line\tpeak MB\t  measure\n")
	fmt.Fprintf(w, "%.2f\t%.2f\t%.0f\t%.0f\t  odooban, 2 %% failed logins, each to the journal\n",
		median(took), median(cpu), median(took)/float64(lines)*1e9, peak)
	return errors.Join(w.Flush(), os.Remove(s.log))
}

// caught is what it took to catch up: seconds and MB.
type caught struct{ wall, cpu, peak float64 }

// readAll lets a new odooban read a log.
func (b *bench) readAll(log string, lines uint64) (c caught, err error) {
	s, err := b.prepare(0, nil)
	if err != nil {
		return c, err
	}
	defer s.close()
	if err := errors.Join(os.Remove(s.log), os.Link(log, s.log)); err != nil {
		return c, err
	}
	d, err := s.odooban(b.ctx, b.program)
	if err != nil {
		return c, err
	}
	defer d.kill()
	err = until(b.ctx, 20*time.Millisecond, "all is read", func() (bool, error) {
		_, source, err := d.status(b.ctx)
		return source.Lines >= lines, err
	})
	used := d.used()
	return caught{used.at.Sub(d.began).Seconds(), used.cpu.Seconds(), d.peak()}, err
}

// fill writes a log and counts its lines.
func fill(path string) (lines uint64, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, err := samplelog.Odoo.Write(f, 1, backlog)
	return uint64(n), err
}
