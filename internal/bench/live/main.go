// Command live measures odooban at work, in a network namespace of its own: from
// the write of the line that decides to the member in the kernel's set, what it
// costs when nothing happens, and what it does in a flood. With -peers it
// measures fail2ban's daemon beside it.
//
// Nothing outside its namespace and its temporary folder is touched, and neither
// is left behind.
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
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() { os.Exit(exit()) }

// options are the choices of who measures.
type options struct {
	rounds int
	quiet  time.Duration
	only   string
	peers  bool
}

func exit() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "how often to measure each")
	flag.DurationVar(&o.quiet, "quiet", time.Minute, "how long to watch an idle daemon")
	flag.StringVar(&o.only, "only", "", "measure only these, separated by commas: "+strings.Join(names(), ", "))
	flag.BoolVar(&o.peers, "peers", false, "measure fail2ban's daemon, too")
	flag.Parse()
	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

// parts are what is measured, in this order.
var parts = []struct {
	name    string
	peers   bool
	measure func(*bench) error
}{
	{"latency", false, (*bench).latency},
	{"idle", false, (*bench).idle},
	{"flood", false, (*bench).floods},
	{"catchup", false, (*bench).catchUp},
	{"peers", true, (*bench).peers},
}

func names() (all []string) {
	for _, p := range parts {
		all = append(all, p.name)
	}
	return all
}

// bench is one run.
type bench struct {
	options
	*workshop
	ctx context.Context //nolint:containedctx // that of the run
	out io.Writer
}

func run(ctx context.Context, out io.Writer, o options) (err error) {
	if os.Geteuid() != 0 {
		return errors.New(`needs root, for its network namespace: sudo env PATH="$PATH" make bench`)
	}
	w, err := newWorkshop(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	b := &bench{options: o, workshop: w, ctx: ctx, out: out}
	fmt.Fprintf(out, "\n%s, %d CPUs, load %s\n", runtime.Version(), runtime.NumCPU(), load())
	for _, p := range parts {
		if o.only == "" && p.peers != o.peers || o.only != "" && !slices.Contains(strings.Split(o.only, ","), p.name) {
			continue
		}
		if err := p.measure(b); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}
