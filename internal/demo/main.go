// Command demo shows two attacks on a busy Odoo being cut off, in network
// namespaces of its own: by one who guesses passwords, and by one whose logins
// hold whole records of the log that accuse a stranger. The log is that of a
// simulated server (internal/odoosim); all else is real.
//
// It promises that each line it prints has just happened and was checked:
// where something does not happen as told it ends with an error. It touches
// nothing outside its namespaces and its temporary folder, and leaves neither
// behind.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := show(ctx, os.Stdout, term.IsTerminal(int(os.Stdout.Fd())))
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "demo: interrupted:", err)
	default:
		fmt.Fprintln(os.Stderr, "demo:", err)
	}
	return 1
}

// show tells the whole story to w.
func show(ctx context.Context, w io.Writer, colours bool) (err error) {
	if err := ready(); err != nil {
		return err
	}
	fmt.Fprintln(w, "Building odooban, which takes a minute the first time")
	s, err := setStage(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return newStory(s, newTeller(w, colours)).run(ctx)
}

// ready says what the demo lacks on this machine, and the cure.
func ready() error {
	if os.Geteuid() != 0 {
		return errors.New(`needs root, for its network namespaces: sudo env PATH="$PATH" make demo`)
	}
	for program, cure := range map[string]string{
		"go":        "put Go's bin folder in PATH",
		"iptables":  "apt install iptables, and have /usr/sbin in PATH",
		"ip6tables": "apt install iptables, and have /usr/sbin in PATH",
	} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("needs %s: %s", program, cure)
		}
	}
	return nil
}
