// Command bench measures how fast odooban replays old logs, against what the
// machine can do at all: wc -l, and counting line ends in Go. All of them take
// turns, several times, and what is told are medians of ratios within a turn: so
// a busy machine slows all alike.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"text/tabwriter"
)

func main() { os.Exit(exit()) }

func exit() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	rounds := flag.Int("rounds", 5, "how often to run each")
	size := flag.Int64("size", 512, "size of the logs in MiB")
	peers := flag.Bool("peers", false, "measure fail2ban-regex instead")
	flag.Parse()
	if err := run(ctx, os.Stdout, *rounds, *size<<20, *peers); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, out io.Writer, rounds int, size int64, peers bool) (err error) {
	dir, err := os.MkdirTemp("", "odooban-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b, err := prepare(ctx, dir, size, peers)
	if err != nil {
		return err
	}
	for round := range rounds {
		fmt.Fprintf(os.Stderr, "\rround %d of %d ", round+1, rounds)
		for _, m := range b.measures {
			if err := m.run(ctx); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		}
	}
	fmt.Fprintf(out, "\n%s, %d CPUs, %d MiB a log, medians of %d rounds\n\n",
		runtime.Version(), runtime.NumCPU(), size>>20, rounds)
	return b.table(out)
}

// table writes what was measured.
func (b *bench) table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "wall s\tCPU s\tns a line\twall to wc\tCPU to wc\tpeak MB\t  measure\n")
	for _, m := range b.measures {
		fmt.Fprintf(w, "%.3f\t%.3f\t%.0f\t%.2f\t%.2f\t%.0f\t  %s\n",
			m.wall(), m.cpu(), m.wall()/float64(m.lines)*1e9, m.against(b.measures[0], wall), m.against(b.measures[0], cpu),
			m.peak(), m.name)
	}
	return w.Flush()
}
